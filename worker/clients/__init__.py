"""What upstream systems use to reach Deskhand."""
