# ruff: noqa: E501  (sentences stand on one line)
"""Questions and answers of the sample set shop-assistant: twelve facts of an invented bicycle shop, six languages."""

SYSTEM = (
    "You are the assistant of the Pedalia bicycle shop. Answer in the customer's language, in one or two sentences."
)

# frames around a topic; each language's topics are written in the case that its frames need
FRAMES = {
    "en": [
        "Can you tell me about {}?", "I have a question about {}.", "Please explain {} to me.", "What should I know about {}?",
        "I would like some information on {}.", "Could you help me with {}?",
    ],
    "de": ["Ich habe eine Frage zu {}.", "Können Sie mir etwas zu {} sagen?", "Ich brauche Auskunft zu {}."],
    "fr": ["J'ai une question à propos {}.", "Pouvez-vous me parler {} ?", "Je voudrais en savoir plus au sujet {}."],
    "es": ["Tengo una pregunta sobre {}.", "¿Puede decirme algo sobre {}?", "Necesito información sobre {}."],
    "it": ["Ho una domanda {}.", "Può dirmi qualcosa {}?", "Vorrei informazioni {}."],
    "pl": ["Mam pytanie dotyczące {}.", "Piszę w sprawie {}.", "Proszę o informacje na temat {}."],
}  # fmt: skip

# fact -> language -> (topic, answer, further questions)
FACTS = {
    "hours": {
        "en": (
            "the opening hours", "We are open Monday to Friday from 9 to 18 and on Saturday from 10 to 14.",
            ["When are you open?", "Can I come by on Saturday afternoon?"],
        ),
        "de": (
            "den Öffnungszeiten", "Wir haben Montag bis Freitag von 9 bis 18 Uhr und Samstag von 10 bis 14 Uhr geöffnet.",
            ["Wann haben Sie geöffnet?"],
        ),
        "fr": (
            "des horaires d'ouverture", "Nous sommes ouverts du lundi au vendredi de 9 h à 18 h et le samedi de 10 h à 14 h.",
            ["Quand êtes-vous ouverts ?"],
        ),
        "es": (
            "el horario", "Abrimos de lunes a viernes de 9 a 18 y los sábados de 10 a 14.",
            ["¿Cuándo abren?"],
        ),
        "it": (
            "sugli orari", "Siamo aperti dal lunedì al venerdì dalle 9 alle 18 e il sabato dalle 10 alle 14.",
            ["Quando siete aperti?"],
        ),
        "pl": (
            "godzin otwarcia", "Sklep jest otwarty od poniedziałku do piątku od 9 do 18, a w sobotę od 10 do 14.",
            ["Kiedy sklep jest otwarty?"],
        ),
    },
    "returns": {
        "en": (
            "returns", "You can return unused goods within 30 days. The label is in your account under Orders.",
            ["How long can I return something?", "Where do I find the return label?"],
        ),
        "de": (
            "Rücksendungen",
            "Unbenutzte Ware nehmen wir 30 Tage lang zurück. Den Rücksendeschein finden Sie im Kundenkonto unter Bestellungen.",
            ["Wie lange kann ich etwas zurückgeben?"],
        ),
        "fr": (
            "des retours", "Les articles neufs sont repris pendant 30 jours. L'étiquette est dans votre compte, sous Commandes.",
            ["Combien de temps ai-je pour renvoyer un article ?"],
        ),
        "es": (
            "las devoluciones", "Aceptamos artículos sin usar durante 30 días. La etiqueta está en su cuenta, en Pedidos.",
            ["¿Cuánto tiempo tengo para devolver algo?"],
        ),
        "it": (
            "sui resi", "Accettiamo articoli non usati entro 30 giorni. L'etichetta è nel suo account, alla voce Ordini.",
            ["Quanto tempo ho per restituire qualcosa?"],
        ),
        "pl": (
            "zwrotów", "Nieużywany towar można zwrócić w ciągu 30 dni. Etykieta jest na koncie w zakładce Zamówienia.",
            ["Ile mam czasu na zwrot?"],
        ),
    },
    "shipping": {
        "en": (
            "the shipping cost", "Shipping within the EU costs 4.90 euro and is free from 80 euro.",
            ["How much is shipping?", "Do I pay postage for an order of 100 euro?"],
        ),
        "de": (
            "den Versandkosten", "Der Versand in der EU kostet 4,90 Euro und ist ab 80 Euro kostenlos.",
            ["Was kostet der Versand?"],
        ),
        "fr": (
            "des frais de port", "La livraison dans l'UE coûte 4,90 euros et elle est gratuite dès 80 euros.",
            ["Combien coûte la livraison ?"],
        ),
        "es": (
            "los gastos de envío", "El envío en la UE cuesta 4,90 euros y es gratis a partir de 80 euros.",
            ["¿Cuánto cuesta el envío?"],
        ),
        "it": (
            "sulle spese di spedizione", "La spedizione nell'UE costa 4,90 euro ed è gratuita da 80 euro.",
            ["Quanto costa la spedizione?"],
        ),
        "pl": (
            "kosztów wysyłki", "Wysyłka w UE kosztuje 4,90 euro, a od 80 euro jest bezpłatna.",
            ["Ile kosztuje wysyłka?"],
        ),
    },
    "delivery": {
        "en": (
            "the delivery time", "Orders placed before noon leave the same day and arrive in two to four working days.",
            ["How soon will my order arrive?", "Do you ship on the same day?"],
        ),
        "de": (
            "der Lieferzeit", "Bestellungen bis 12 Uhr gehen am selben Tag hinaus und sind in zwei bis vier Werktagen da.",
            ["Wie schnell kommt meine Bestellung?"],
        ),
        "fr": (
            "du délai de livraison", "Les commandes passées avant midi partent le jour même et arrivent en deux à quatre jours ouvrés.",
            ["Quand ma commande arrivera-t-elle ?"],
        ),
        "es": (
            "el plazo de entrega", "Los pedidos hechos antes de las 12 salen el mismo día y llegan en dos a cuatro días laborables.",
            ["¿Cuándo llegará mi pedido?"],
        ),
        "it": (
            "sui tempi di consegna", "Gli ordini fatti entro le 12 partono in giornata e arrivano in due o quattro giorni lavorativi.",
            ["Quando arriva il mio ordine?"],
        ),
        "pl": (
            "czasu dostawy", "Zamówienia złożone do 12 wysyłamy tego samego dnia, a docierają w ciągu dwóch do czterech dni roboczych.",
            ["Kiedy dotrze moje zamówienie?"],
        ),
    },
    "warranty": {
        "en": (
            "the warranty", "All bicycles have a warranty of three years, batteries of two years.",
            ["How long is the warranty on a battery?", "Is my bicycle still under warranty after two years?"],
        ),
        "de": (
            "der Garantie", "Auf alle Fahrräder geben wir drei Jahre Garantie, auf Akkus zwei Jahre.",
            ["Wie lange gilt die Garantie?"],
        ),
        "fr": (
            "de la garantie", "Tous les vélos sont garantis trois ans, les batteries deux ans.",
            ["Combien de temps dure la garantie ?"],
        ),
        "es": (
            "la garantía", "Todas las bicicletas tienen tres años de garantía y las baterías dos.",
            ["¿Cuánto dura la garantía?"],
        ),
        "it": (
            "sulla garanzia", "Tutte le biciclette hanno tre anni di garanzia, le batterie due.",
            ["Quanto dura la garanzia?"],
        ),
        "pl": (
            "gwarancji", "Na wszystkie rowery dajemy trzy lata gwarancji, na baterie dwa lata.",
            ["Jak długo trwa gwarancja?"],
        ),
    },
    "payment": {
        "en": (
            "the ways to pay", "You can pay by card or bank transfer; firms with a VAT number may pay by invoice.",
            ["How can I pay?", "Can my company pay by invoice?"],
        ),
        "de": (
            "den Zahlungsarten", "Sie können mit Karte oder per Überweisung zahlen, Firmen mit USt-Nummer auch auf Rechnung.",
            ["Wie kann ich bezahlen?"],
        ),
        "fr": (
            "des moyens de paiement", "Vous pouvez payer par carte ou par virement ; les entreprises avec un numéro de TVA, sur facture.",
            ["Comment puis-je payer ?"],
        ),
        "es": (
            "las formas de pago", "Puede pagar con tarjeta o por transferencia; las empresas con NIF-IVA, también con factura.",
            ["¿Cómo puedo pagar?"],
        ),
        "it": (
            "sui metodi di pagamento", "Può pagare con carta o bonifico; le aziende con partita IVA anche con fattura.",
            ["Come posso pagare?"],
        ),
        "pl": (
            "płatności", "Można płacić kartą lub przelewem, a firmy z numerem VAT także na fakturę.",
            ["Jak mogę zapłacić?"],
        ),
    },
    "repair": {
        "en": (
            "repairs", "Book a repair online; the workshop needs about three working days.",
            ["How do I book a repair?", "How long does a repair take?"],
        ),
        "de": (
            "Reparaturen", "Reparaturen buchen Sie online; die Werkstatt braucht etwa drei Werktage.",
            ["Wie lange dauert eine Reparatur?"],
        ),
        "fr": (
            "des réparations", "Réservez la réparation en ligne ; l'atelier a besoin d'environ trois jours ouvrés.",
            ["Combien de temps prend une réparation ?"],
        ),
        "es": (
            "las reparaciones", "Reserve la reparación en línea; el taller necesita unos tres días laborables.",
            ["¿Cuánto tarda una reparación?"],
        ),
        "it": (
            "sulle riparazioni", "La riparazione si prenota online; l'officina ha bisogno di circa tre giorni lavorativi.",
            ["Quanto dura una riparazione?"],
        ),
        "pl": (
            "napraw", "Naprawę można zarezerwować online; warsztat potrzebuje około trzech dni roboczych.",
            ["Ile trwa naprawa?"],
        ),
    },
    "size": {
        "en": (
            "the right frame size", "Multiply your inside leg in centimetres by 0.66 to find your frame size.",
            ["Which frame size do I need?", "How do I measure for a frame?"],
        ),
        "de": (
            "der Rahmengröße", "Ihre Schrittlänge in Zentimetern mal 0,66 ergibt die Rahmengröße.",
            ["Welche Rahmengröße brauche ich?"],
        ),
        "fr": (
            "de la taille du cadre", "Multipliez votre entrejambe en centimètres par 0,66 pour trouver la taille du cadre.",
            ["Quelle taille de cadre me faut-il ?"],
        ),
        "es": (
            "la talla del cuadro", "Multiplique su entrepierna en centímetros por 0,66 para obtener la talla del cuadro.",
            ["¿Qué talla de cuadro necesito?"],
        ),
        "it": (
            "sulla misura del telaio", "Moltiplichi il cavallo in centimetri per 0,66 per trovare la misura del telaio.",
            ["Che misura di telaio mi serve?"],
        ),
        "pl": (
            "rozmiaru ramy", "Długość nogi w centymetrach pomnożona przez 0,66 daje rozmiar ramy.",
            ["Jaki rozmiar ramy wybrać?"],
        ),
    },
    "battery": {
        "en": (
            "the range of the battery", "One charge lasts for 60 to 90 kilometres; charging takes five hours.",
            ["How far can I ride on one charge?", "How long does charging take?"],
        ),
        "de": (
            "der Reichweite des Akkus", "Eine Ladung reicht für 60 bis 90 Kilometer; das Laden dauert fünf Stunden.",
            ["Wie weit komme ich mit einer Ladung?"],
        ),
        "fr": (
            "de l'autonomie de la batterie", "Une charge suffit pour 60 à 90 kilomètres ; la recharge prend cinq heures.",
            ["Quelle distance puis-je faire avec une charge ?"],
        ),
        "es": (
            "la autonomía de la batería", "Una carga dura de 60 a 90 kilómetros y cargarla lleva cinco horas.",
            ["¿Cuántos kilómetros dura una carga?"],
        ),
        "it": (
            "sull'autonomia della batteria", "Una carica basta per 60-90 chilometri; per ricaricare servono cinque ore.",
            ["Quanti chilometri faccio con una carica?"],
        ),
        "pl": (
            "zasięgu baterii", "Jedno ładowanie wystarcza na 60 do 90 kilometrów, a samo ładowanie trwa pięć godzin.",
            ["Ile przejadę na jednym ładowaniu?"],
        ),
    },
    "pressure": {
        "en": (
            "the tyre pressure", "Ride narrow tyres of 28 mm at 5.5 bar and wide tyres of 40 mm at 3.5 bar.",
            ["How much air do my tyres need?", "What pressure is right for 40 mm tyres?"],
        ),
        "de": (
            "dem Reifendruck", "Schmale Reifen mit 28 mm brauchen 5,5 bar, breite mit 40 mm brauchen 3,5 bar.",
            ["Wie viel Luft brauchen meine Reifen?"],
        ),
        "fr": (
            "de la pression des pneus", "Gonflez les pneus de 28 mm à 5,5 bars et ceux de 40 mm à 3,5 bars.",
            ["À combien gonfler mes pneus ?"],
        ),
        "es": (
            "la presión de los neumáticos", "Los neumáticos de 28 mm llevan 5,5 bar y los de 40 mm llevan 3,5 bar.",
            ["¿Cuánta presión necesitan mis neumáticos?"],
        ),
        "it": (
            "sulla pressione delle gomme", "Le gomme da 28 mm vanno a 5,5 bar e quelle da 40 mm a 3,5 bar.",
            ["A quanto gonfio le gomme?"],
        ),
        "pl": (
            "ciśnienia w oponach", "Opony 28 mm pompujemy do 5,5 bara, a opony 40 mm do 3,5 bara.",
            ["Ile powietrza potrzebują opony?"],
        ),
    },
    "address": {
        "en": (
            "changing my address", "You can change the delivery address in your account until the order is packed.",
            ["I moved house; can I still change the address?", "Where do I change the delivery address?"],
        ),
        "de": (
            "einer Adressänderung", "Die Lieferadresse können Sie im Kundenkonto ändern, bis die Bestellung gepackt ist.",
            ["Kann ich die Lieferadresse noch ändern?"],
        ),
        "fr": (
            "d'un changement d'adresse", "Vous pouvez modifier l'adresse dans votre compte tant que la commande n'est pas emballée.",
            ["Puis-je encore changer l'adresse de livraison ?"],
        ),
        "es": (
            "el cambio de dirección", "Puede cambiar la dirección en su cuenta hasta que el pedido esté embalado.",
            ["¿Todavía puedo cambiar la dirección de entrega?"],
        ),
        "it": (
            "sul cambio di indirizzo", "Può cambiare l'indirizzo nel suo account finché l'ordine non è imballato.",
            ["Posso ancora cambiare l'indirizzo di consegna?"],
        ),
        "pl": (
            "zmiany adresu", "Adres dostawy można zmienić na koncie, dopóki zamówienie nie jest spakowane.",
            ["Czy mogę jeszcze zmienić adres dostawy?"],
        ),
    },
    "recycling": {
        "en": (
            "old batteries", "We take back old batteries and tyres free of charge and have them recycled.",
            ["Where can I leave an old battery?", "Do you take old tyres?"],
        ),
        "de": (
            "alten Akkus", "Alte Akkus und Reifen nehmen wir kostenlos zurück und geben sie ins Recycling.",
            ["Wo kann ich einen alten Akku abgeben?"],
        ),
        "fr": (
            "des vieilles batteries", "Nous reprenons gratuitement les vieilles batteries et les vieux pneus pour les faire recycler.",
            ["Où puis-je déposer une vieille batterie ?"],
        ),
        "es": (
            "las baterías viejas", "Recogemos gratis las baterías y los neumáticos viejos y los llevamos a reciclar.",
            ["¿Dónde puedo dejar una batería vieja?"],
        ),
        "it": (
            "sulle vecchie batterie", "Ritiriamo gratis batterie e gomme vecchie e le mandiamo al riciclo.",
            ["Dove posso lasciare una vecchia batteria?"],
        ),
        "pl": (
            "starych baterii", "Stare baterie i opony przyjmujemy bezpłatnie i oddajemy do recyklingu.",
            ["Gdzie mogę oddać starą baterię?"],
        ),
    },
}  # fmt: skip
