"""The subjects that machines write, in the languages they speak: alternatives of regular expressions."""

ANSWERS = (
    r"automatic reply|auto(?:matic|mated)?[- ]?(?:reply|response|antwort|responder)|"
    r"out[ -]of[ -](?:the[ -])?office|automatische antwort|abwesenheits|automatisch antwoord|"
    r"automatisch bericht|réponse automatique|message d'absence|respuesta autom[aá]tica|"
    r"fuera de (?:la )?oficina|risposta automatica|resposta autom[aá]tica|automatiskt svar|autosvar|"
    r"automatisk svar|automaattinen vastaus|autoodpowiedź|odpowiedź automatyczna|automatická odpověď|"
    r"automatická odpoveď|автоматический ответ|автоответ|автоматична відповідь|otomatik yanıt|"
    r"automatikus válasz|răspuns automat|αυτόματη απάντηση|自動応答|自動返信|自动回复|自動回覆|자동 ?회신|תשובה אוטומטית|"
    r"מענה אוטומטי|رد تلقائي|balasan otomatis|tự động trả lời|trả lời tự động"
)
"""An automatic answer: nobody begins a subject so."""

AWAY = (
    r"ooo\b|away\b|vacation|on leave|abwesend|urlaub|afwezig|absence|absent|ausente|ausência|"
    r"fuori (?:sede|ufficio)|frånvaro|fravær|poissa|nieobecność|nepřítomnost|отсутств|відсутн|不在|부재중"
)
"""Likely an absence; a person's subject may begin so, too."""

BOUNCES = (
    r"undeliver(?:ed|able)|mail delivery (?:failed|failure|subsystem)|"
    r"delivery (?:status notification|failure|has failed)|returned mail|failure notice|mail system error|"
    r"message undeliverable|unzustellbar|non remis|échec de|no se puede entregar|no entregado|"
    r"mancato recapito|não entregue|niet bezorgd|недостав"
)
"""A mail that could not be delivered."""

ACKNOWLEDGED = (
    r"(?:we(?:'ve| have)? (?:got|received)|thank(?:s| you) for (?:contacting|your (?:request|message|e-?mail|ticket)))\b.{0,80}|"
    r"(?:your |new |support )?(?:ticket|request|case|issue|anfrage|demande|solicitud|verzoek|ärende)\b.{0,40}(?:received|created|opened|registered|logged|acknowledg|eingegangen|erstellt|reçue?|recibid|ontvangen|mottag)|"
    r"ihre anfrage|wir haben ihre|nous avons (?:bien )?reçu|hemos recibido|abbiamo ricevuto|recebemos"
)
"""What helpdesks write when they have received something."""

REPLIES = r"re|aw|sv|rv|antw|odp|vs|tr|ynt|回复|答复|返信"
"""Prefixes of an answer a person writes."""
