"""The subjects that machines write, in the languages they speak: alternatives of regular expressions."""

ANSWERS = (
    r"automatic reply|auto(?:matic|mated)?[- ]?(?:reply|response|antwort|responder)|"
    r"out[ -]of[ -](?:the[ -])?office|automatische antwort|abwesenheits|automatisch antwoord|"
    r"automatisch bericht|réponse automatique|message d'absence|respuesta autom[aá]tica|"
    r"fuera de (?:la )?oficina|risposta automatica|resposta autom[aá]tica|automatiskt svar|autosvar|"
    r"automatisk svar|automaattinen vastaus|autoodpowiedź|odpowiedź automatyczna|automatická odpověď|"
    r"automatická odpoveď|автоматический ответ|автоответ|автоматична відповідь|otomatik yanıt|"
    r"automatikus válasz|răspuns automat|αυτόματη απάντηση|自動応答|自動返信|自动回复|自動回覆|자동 ?회신|תשובה אוטומטית|"
    r"מענה אוטומטי|رد تلقائي|پاسخ خودکار|balasan otomatis|balasan automatik|tự động trả lời|trả lời tự động|"
    r"автоматичен отговор|аутоматски одговор|automatski odgovor|samodejni odgovor|automaatne vastus|"
    r"automātiska atbilde|automatinis atsakymas|automatyczna odpowiedź|การตอบอัตโนมัติ|การตอบกลับอัตโนมัติ|自动答复|"
    r"स्वचालित उत्तर|resposta automàtica|erantzun automatikoa|absence du bureau"
)
"""An automatic answer: nobody begins a subject so."""

AWAY = (
    r"ooo\b|away\b|vacation|on leave|abwesend|urlaub|afwezig|absence|absent|ausente|ausência|"
    r"fuori (?:sede|ufficio)|frånvaro|fravær|poissa|nieobecność|nepřítomnost|отсутств|відсутн|不在|부재중"
)
"""Likely an absence; a person's subject may begin so, too."""

AWAY_WITHIN = (
    r"\b(?:is|am) (?:currently )?(?:out of the office|on vacation|on leave)\b|\bist außer haus\b|\bist abwesend\b"
)
"""Lotus Notes puts the name before it. In an answer only."""

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

RECEIVED = r"(?:support )?(?:ticket|request|case) (?:received|created|opened)\b"
"""A subject that begins so has been written by a helpdesk, with a number or without."""

REPLIES = r"re|aw|sv|vs|antw|odp|ynt|r|res|ref|vá|bls|odg|atb|απ|rép|回复|回覆|答复|返信|답장|رد|תגובה|השב"
"""Prefixes of an answer a person writes."""

FORWARDS = r"fwd?|wg|tr|rv|enc|i|vb|vl|pd|i̇lt|ilt|doorst|tb|trs|prf|πρθ|转发|轉寄|転送|전달"
"""Prefixes of a mail that a person passes on."""
