"""The tools a run may call. One file each; worker/wiring.py injects their clients."""
