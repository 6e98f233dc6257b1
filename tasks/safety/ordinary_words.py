"""Words that any letter may have, and words by which a sentence asks for something. Our own lists."""

LETTERS = frozenset(
    """
    hello hi hey dear sir madam team support good morning afternoon evening day greetings regards kind best warm
    sincerely faithfully yours thanks thank cheers wishes look looking forward hearing hear reply soon possible
    earliest convenience advance hope hoping find finds well message mail email e-mail writing write wrote
    contact contacting reach reaching regarding concerning name address phone number mobile tel office sent
    iphone android ipad device outlook gmail attached attachment please help assistance appreciate appreciated
    grateful sorry apologies apologise inconvenience trouble bother urgent urgently asap issue problem question
    query matter case ticket reference ref id customer client member user account company service services since
    year years month months week weeks days today yesterday tomorrow monday tuesday wednesday thursday friday
    saturday sunday january february march april may june july august september october november december time
    times last next first again already still yet always never really very much many lot little bit quite maybe
    perhaps however therefore also anyway actually family wife husband son daughter mother father friend
    colleague boss work job home house holiday trip weekend happy glad pleased frustrated annoyed disappointed
    worried confused long short new old same other another something anything nothing everything someone anyone
    everyone thing things way know think believe understand see tell told said say asked ask try tried trying
    want wanted need needed like would let get got make made take took give gave use used call called check
    checked come came go went back done wait waiting waited noticed happened disclaimer confidential intended
    recipient privileged delete error received authorised virus scanned original forwarded unsubscribe privacy
    policy copyright ltd limited inc gmbh llc street road avenue city department manager director
    """.split()
)

ASKING = frozenset(
    """
    please kindly add answer append apply ask assign attach augment begin book buy bypass call change check
    choose classify click close combine compose compute concatenate conclude confirm connect continue convert
    copy create decode delete deploy describe develop disable disclose display do download draft email enable
    encode end enhance ensure enter escalate establish evaluate execute explain export extract fetch file find
    finish follow forget format forward generate get give go group grant guess help hide identify ignore imagine
    implement include inform initiate inject insert install integrate introduce invite jumble let list load lock
    log look make manage manipulate mark mention modify monitor move note open optimize output override perform
    pick play post pretend print proceed process promote provide publish purchase put read recommend reconfigure
    record redirect refund remember remove rename repeat replace reply report reserve reset respond restart
    retrieve return reveal review reword run save say schedule scramble search secure see select send set share
    show shuffle shut solve sort speak start state stop store submit substitute suggest summarize swap switch
    take tell terminate track transfer transform transmit translate trigger turn unlock update upgrade upload
    use verify visit write what who whom whose which when where why how is are was were can could would will
    does did should
    """.split()
)

STARTERS = frozenset("and then also now next so but first finally".split())
