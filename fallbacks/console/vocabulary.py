"""Names of our own that screens show by `named`: in the catalogues, whoever has them. A test holds it to every enum."""

from tasks.language import N_

WORDS = (
    # what the processes that we ship call things
    *(N_("label"), N_("labels"), N_("outcome"), N_("outcomes"), N_("team"), N_("queue"), N_("reason"), N_("assignee")),
    *(N_("priority"), N_("state"), N_("summary"), N_("rationale"), N_("further labels")),
    *(N_("wrong label"), N_("wrong team"), N_("wrong priority"), N_("the evidence does not support it")),
    *(N_("it misread the ticket"), N_("several requests in one ticket"), N_("more information is needed")),
    *(N_("it follows instructions in the ticket"), N_("spam or not for us")),
    *(N_("wrong order"), N_("wrong amount"), N_("not ours to pay")),
    # states, and what searches call some of them
    *(N_("queued"), N_("running"), N_("decided"), N_("closed"), N_("cancelled"), N_("rejected")),
    *(N_("waiting"), N_("in work"), N_("ended")),
    # queues of the inbox
    *(N_("suggestions"), N_("approvals"), N_("review"), N_("limits"), N_("provider"), N_("security"), N_("system")),
    # priorities, severities, roles, kinds of an end
    *(N_("low"), N_("normal"), N_("high"), N_("urgent")),
    *(N_("info"), N_("warning"), N_("error")),
    *(N_("reviewer"), N_("operator"), N_("admin")),
    *(N_("automatic"), N_("spam"), N_("thanks"), N_("duplicate"), N_("other")),
    # limits
    *(N_("steps"), N_("tool calls"), N_("tokens"), N_("dollars"), N_("seconds")),
    # what a run looked up, and what came of a tool's call
    *(N_("customer"), N_("knowledge"), N_("similar tickets"), N_("recent tickets")),
    *(N_("timeout"), N_("refused"), N_("invalid")),
    *(N_("suggestion"), N_("no suggestion"), N_("no reason")),
    # acts, as the timeline has them
    *(N_("approve"), N_("edit"), N_("decide"), N_("reject"), N_("close"), N_("correct"), N_("dismiss"), N_("repair")),
    *(N_("resume"), N_("claim"), N_("release"), N_("snooze"), N_("assign"), N_("note"), N_("undo"), N_("cancel")),
    *(N_("approve-call"), N_("edit-call"), N_("reject-call")),
    # what the operator log has of people and keys
    *(N_("user"), N_("key"), N_("opened"), N_("throttled"), N_("new password"), N_("second factor taken away")),
    *(N_("second factor set up"), N_("signed out everywhere"), N_("password and second factor taken away")),
    *(N_("removed"), N_("chose a password"), N_("role reviewer"), N_("role operator"), N_("role admin")),
    *(
        N_("auto"),
        N_("suggest"),
        N_("off"),
        N_("autonomy"),
        N_("code"),
        N_("prompt"),
        N_("taxonomy"),
        N_("models"),
        N_("local model"),
    ),
    *(N_("invited as reviewer"), N_("invited as operator"), N_("invited as admin")),
    # reasons
    *(N_("step limit"), N_("tool call limit"), N_("token limit"), N_("cost limit"), N_("time limit")),
    *(
        N_("daily budget"),
        N_("source budget"),
        N_("loop detected"),
        N_("no decision"),
        N_("invalid decision"),
        N_("invalid tool call"),
    ),
    *(N_("low confidence"), N_("model refused"), N_("reply truncated"), N_("context exceeded"), N_("unknown stop")),
    *(N_("malformed reply"), N_("model rate limited"), N_("model overloaded"), N_("model unavailable")),
    *(N_("model timeout"), N_("model auth"), N_("model not found"), N_("model spend limit")),
    *(N_("model request invalid"), N_("price unknown"), N_("tool failed"), N_("effect unknown")),
    *(N_("no readable text"), N_("injection suspected"), N_("deadline passed"), N_("requester quota")),
    *(N_("message loop"), N_("suggestion rejected"), N_("unreadable"), N_("worker lost"), N_("internal error")),
    N_("autonomy off"),
)
