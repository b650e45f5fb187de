"""Names that people give to columns, in the languages of the Union, and what they mean to us."""

from __future__ import annotations

NAMES: dict[str, frozenset[str]] = {
    "messages": frozenset({"messages", "conversations", "conversation", "dialog", "dialogue", "chat", "turns"}),
    "prompt": frozenset(
        {
            "prompt", "instruction", "question", "query", "user", "input_text", "source", "request",
            "frage", "anfrage", "question client", "pregunta", "consulta", "domanda", "richiesta", "pytanie", "vraag",
            "pergunta", "întrebare", "otázka", "kérdés", "kysymys", "fråga", "spørgsmål", "ερώτηση", "въпрос",
            "klausimas", "jautājums", "küsimus", "pitanje", "vprašanje", "mistoqsija", "ceist",
        }
    ),
    "completion": frozenset(
        {
            "completion", "response", "answer", "output", "assistant", "reply", "target", "chosen",
            "antwort", "réponse", "reponse", "respuesta", "risposta", "odpowiedź", "odpowiedz", "antwoord", "resposta",
            "răspuns", "odpověď", "odpoveď", "válasz", "vastaus", "svar", "απάντηση", "отговор", "atsakymas", "atbilde",
            "vastus", "odgovor", "tweġiba", "freagra",
        }
    ),
    "context": frozenset({"input", "context", "kontext", "contexte", "contexto", "contesto"}),
    "system": frozenset({"system", "system_prompt", "system prompt"}),
    "text": frozenset(
        {
            "text", "message", "content", "body", "comment", "review", "sentence", "description", "utterance", "ticket",
            "subject", "title", "email", "feedback", "nachricht", "beschreibung", "kommentar", "texte",
            "texto", "mensaje", "testo", "messaggio", "tekst", "treść", "wiadomość", "bericht", "mensagem", "mesaj",
            "szöveg", "teksti", "meddelande", "besked", "κείμενο", "текст", "tekstas", "teksts", "besedilo", "zpráva",
        }
    ),
    "label": frozenset(
        {
            "label", "labels", "category", "class", "topic", "intent", "tag", "type", "sentiment", "target_label",
            "kategorie", "klasse", "thema", "étiquette", "etiquette", "catégorie", "categorie", "categoría",
            "categoria", "etiqueta", "etichetta", "classe", "kategoria", "etykieta", "onderwerp",
            "kategori", "kategória", "luokka", "κατηγορία", "категория", "kategorija", "oznaka",
        }
    ),
}  # fmt: skip

_KNOWN = frozenset().union(*NAMES.values()) | {"id", "date", "datum", "language", "lang", "name"}


def normal(name: str) -> str:
    return " ".join(name.replace("_", " ").replace("-", " ").casefold().split())


_NORMAL = {meaning: frozenset(normal(name) for name in names) for meaning, names in NAMES.items()}
_KNOWN_NORMAL = frozenset(normal(name) for name in _KNOWN)


def is_known_name(name: str) -> bool:
    return normal(name) in _KNOWN_NORMAL


def means(name: str, meaning: str) -> bool:
    return normal(name) in _NORMAL[meaning]
