"""The words by which mail programs introduce an earlier mail, in the languages they speak."""

ROLES = {
    "from": "from од frá nork ад кімнен nga से daripada šalje no nuo von de de_la da van från fra od от від отправитель lähettäjä gönderen kimden feladó expéditeur remitente"
    " mittente afsender avsender nadawca odesílatel expeditor από dari từ จาก 差出人 发件人 寄件者 寄件人 보낸사람 보낸_사람"
    " מאת من فرستنده از προς_αποστολέας saatja sūtītājs siuntėjas pošiljatelj od_koga izvor प्रेषक",
    "sent": "sent послато испратено saatmisaeg bidalia адпраўлена жіберілді dërguar दिनांक dihantar изпратено poslato nosūtīts išsiųsta enviat date gesendet datum envoyé enviado enviada inviato data verzonden skickat sendt wysłano odesláno odoslané"
    " отправлено дата надіслано lähetetty päivämäärä päiväys gönderildi gönderilme_tarihi tarih elküldve dátum trimis"
    " estalmida ημερομηνία στάλθηκε dikirim tanggal đã_gửi ngày ส่ง วันที่ 送信日時 送信 日付 日時 寄件日期 傳送日期 发送时间 日期 寄件日期 傳送時間"
    " 보낸_날짜 날짜 전송됨 נשלח תאריך تم_الإرسال التاريخ أرسلت تاريخ fecha saadetud poslano fecha_de_envío भेजा_गया",
    "to": "to adressaat nori каму кімге për को za до prima kam per_a an à a para aan till til do komu кому vastaanottaja kime alıcı kinek címzett către προς kepada đến ถึง"
    " 宛先 收件人 收件者 받는_사람 받는사람 אל إلى به destinataire destinatario ontvanger за koga saaja प्रति",
    "subject": "subject efni gaia тэма тақырып subjekti tema относно zadeva tēma betreff objet asunto oggetto onderwerp ämne emne temat předmět predmet тема aihe konu tárgy"
    " assunto subiect θέμα perihal subjek chủ_đề เรื่อง 件名 主题 主旨 標題 제목 נושא الموضوع موضوع re teema विषय",
}
"""Labels of a header block (`From: ...`) by what they say; `_` stands for a space."""

WROTE = (
    "wrote|writes|schrieb(?: am)?|a écrit|escribió|escribio|ha scritto|escreveu|schreef|heeft geschreven|skrev|napisał|"
    "napisała|napisał\\(a\\)|kirjoitti|написал|написала|написал\\(а\\)|пишет|писал|пише|написав|написа|napsal|napsala|"
    "napsal\\(a\\)|napísal|napísal\\(a\\)|yazdı|şunu yazdı|írta|a scris|έγραψε|menulis|đã viết|เขียนว่า|כתב|כתבה|كتب|"
    "كتبت|بواسطة|نوشت|ने लिखा|写道|写到|寫道|님이 작성|작성|のメール|さんは書きました|kirjutas|rakstīja|rašė|je napisao|je napisala|"
    "napisao je|va escriure|idatzi du|skrifaði|thus spake"
)
"""Verbs of an attribution line (`On ..., ... wrote:`)."""

REPLY_ABOVE = (
    "above this line|over this line|oberhalb dieser zeile|über dieser zeile|au-dessus de cette ligne|"
    "encima de esta línea|por encima de esta línea|sopra questa riga|acima desta linha|boven deze regel|"
    "ovanför den här raden|over denne linje|powyżej tej linii|выше этой строки|yukarısına"
)
"""What helpdesks write above the mail they send, so that the answer can be found."""

FORWARDED = (
    "forwarded|weitergeleitet|transféré|transmis|reenviado|inoltrato|encaminhad|doorgestuurd|vidarebefordra|videresendt|"
    "przekazan|přeposlan|пересыла|переслан|пересылаемое|välitetty|iletilen|továbbított|redirecționat|προωθ|轉寄|转发|転送|전달|"
    "הועבר|המועבר|معاد توجيه|تمت إعادة توجيه|weergeleide"
)
"""A line of dashes with one of these begins a mail that was passed on: what matters, never a quote."""

DEVICES = (
    r"(?<![A-Za-z])(?:ios|i(?:phon|pad|pod)\w{0,4}|galaxy|samsung|android\w{0,3}|blackberry|htc|huawei|xiaomi|redmi|oneplus|nokia|xperia|"
    r"google pixel|nexus|motorola|outlook|yahoo|aol|gmail|gmx|web\.de|mail\.ru|yandex|proton(?:mail)?|tutanota|tuta|thunderbird|"
    r"zoho|windows(?:-| )?(?:mail|phone|10|11)|(?:mail|courrier|correo|posta) \w{2,5} windows|smartphone|mobiltelefon|handy|"
    r"mobile (?:phone|device)|cell ?phone|теле?фона|мобильного|teléfono|móvil|celular|téléphone|スマートフォン|手机|手機|휴대폰)"
)
SENT_FROM = (
    rf"(?:sent (?:from|via|with|using)|get outlook|gesendet (?:von|mit|über|aus)|von mein\w{{1,3}}|diese nachricht wurde von mein\w{{1,3}}|"
    rf"envoyé (?:de|depuis|à partir de|avec)|obtenez|télécharger|enviado (?:desde|do|da|de|a partir d\w|con|com|via)|"
    rf"obtener outlook|inviato (?:da|con)\w{{0,2}}|ottieni|scarica|verzonden (?:vanaf|vanuit|met|via)|verstuurd (?:vanaf|vanuit)|"
    rf"outlook voor|skickat från|sendt fra|lähetetty|wysłan[eo] z|odesláno z|odoslané z|trimis (?:de pe|din)|poslano (?:sa|z)|"
    rf"отправлено (?:с|со|из)|надіслано з|изпратено от|στάλθηκε από|dikirim dari|terkirim dari|đã gửi từ|发自(?:我的)?|從我的|发送自|寄自|"
    rf"נשלח מ|أُ?رسلت? من|تم الإرسال من)[^\n]{{0,40}}?{DEVICES}(?:[^\n]{{0,30}}|\\s?<\\S{{1,80}}>)|"
    rf"[^\n]{{0,20}}{DEVICES}[^\n]{{0,15}}(?:から送信|에서 보냄|gönderildi|küldve|gesendet)\W{{0,3}}"
)
"""The line that a telephone or a mail program puts below every mail."""
