"""What people do, by the verbs that console, API, command line and events use for it."""

from enum import StrEnum


class Act(StrEnum):
    """One act of a person on one ticket.

    approve: the suggestion stands. edit: another decision than the suggested one. decide: a decision where nothing was
    suggested. reject: the suggestion is refused and waits for a decision by hand. close: it ends without a decision.
    correct: another decision than the one that stands. dismiss, repair: of what could not be read as a ticket. resume:
    back to the agent. claim, release: hold an item, give it back. snooze: hide it for a while. assign: to a person, who
    is served it first and others not, or to a group such as a team; or to nobody. note: write something down. undo:
    take a decision or a close back. cancel: withdraw the ticket.
    """

    APPROVE = "approve"
    EDIT = "edit"
    DECIDE = "decide"
    REJECT = "reject"
    CLOSE = "close"
    CORRECT = "correct"
    DISMISS = "dismiss"
    REPAIR = "repair"
    RESUME = "resume"
    CLAIM = "claim"
    RELEASE = "release"
    SNOOZE = "snooze"
    ASSIGN = "assign"
    NOTE = "note"
    UNDO = "undo"
    APPROVE_CALL = "approve-call"
    EDIT_CALL = "edit-call"
    REJECT_CALL = "reject-call"
    CANCEL = "cancel"


ALONE = "auto"
"""What the journal says in an act's place where the agent decided alone."""
