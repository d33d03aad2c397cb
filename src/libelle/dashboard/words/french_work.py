"""French of the pages where people work: trying a text, reviewing."""

FRENCH_WORK = {
    "page_review": "Vérifier",
    "review_title": "Libellés à vérifier",
    "review_text": "Libellé",
    "review_candidates": "Propositions",
    "review_hidden": (
        "Les propositions du modèle sont cachées pour ce libellé : cherchez le code vous-même. "
        "Elles seront montrées ensuite."
    ),
    "review_no_candidate": "Le modèle ne propose rien : cherchez le code.",
    "review_search": "Chercher un autre code",
    "review_go": "Chercher",
    "review_skip": "Passer",
    "review_skip_why": "Pourquoi passer ce libellé ?",
    "review_skip_information": "Pas assez d’information",
    "review_skip_ambiguous": "Plusieurs codes conviendraient",
    "review_skip_aside": "Plus tard, sans avis",
    "review_undo": "Annuler",
    "review_undo_last": "Revenir sur le dernier avis",
    "review_again": "Vous aviez répondu à ce libellé : cet avis tient tant que vous n’en donnez "
    "pas un autre.",
    "review_last": "Derniers avis",
    "review_kept": "Avis enregistré : {said}",
    "review_said_not_enough_information": "pas assez d’information",
    "review_said_ambiguous_nomenclature": "plusieurs codes conviendraient",
    "review_put_aside": "rendu, sans avis",
    "review_proposed": "le modèle proposait {code} ({share})",
    "review_given_one": "{n} libellé jugé par vous",
    "review_given_many": "{n} libellés jugés par vous",
    "review_left": "{n} à juger",
    "review_left_cut": "plus de {n} à juger",
    "review_agreement": (
        "Libellés jugés par deux personnes : {n_alike} avis identiques sur {n_twice} ({share})."
    ),
    "review_agreement_none": (
        "Un libellé sur vingt est jugé par deux personnes ; aucun ne l’a encore été deux fois."
    ),
    "review_off": (
        "<b>Rien à vérifier ici.</b> Aucun journal des réponses n’est tenu : donnez-lui une place "
        "avec <code>LIBELLE_LOG_URI</code>."
    ),
    "review_empty": "<b>Rien à vérifier.</b> Aucun libellé n’attend d’avis.",
    "review_done": "<b>C’est fini.</b> Tous les libellés qui attendaient ont un avis. Merci !",
    "review_elsewhere": (
        "<b>Rien pour vous en ce moment.</b> Les libellés qui restent sont chez d’autres "
        "personnes, ou mis de côté par vous. Revenez dans quelques minutes."
    ),
    "review_no_text": (
        "<b>Aucun libellé n’est gardé.</b> {n} réponses sont à vérifier, mais le journal ne garde "
        "pas leurs textes."
    ),
    "review_reading": "Le journal est en cours de lecture. Rechargez la page dans un instant.",
    "review_unread": (
        "Le journal, les avis ou un échantillon d’audit n’ont pas pu être relus : ce qui suit "
        "peut dater."
    ),
    "review_how_title": "Comment faire garder les textes",
    "review_how": (
        "Par défaut, le journal ne garde aucun texte : ce peuvent être des données personnelles. "
        "Pour vérifier, faites garder ceux qui sont à vérifier, trente jours au plus : donnez à "
        "l’API le réglage <code>LIBELLE_TEXT_POLICY=review</code>, puis relancez-la. Les libellés "
        "reçus ensuite paraîtront ici. Inscrivez ce traitement au registre."
    ),
    "review_refused": "Cet avis est refusé.",
    "review_refused_403": (
        "L’API refuse la clé du tableau de bord : elle doit avoir le droit <code>review</code>."
    ),
    "review_refused_401": (
        "L’API demande une clé : donnez au tableau de bord <code>LIBELLE_API_KEY</code>."
    ),
    "review_refused_409": "Vous avez déjà donné un autre avis sur ce libellé.",
    "review_not_yours": "Ce libellé est chez quelqu’un d’autre, ou a déjà un avis.",
    "review_gone": "L’API ne répond pas : l’avis n’est pas enregistré. Recommencez.",
    "review_search_gone": "L’API ne répond pas : la recherche est impossible pour l’instant.",
    "review_js_gone": (
        "Le service ne répond pas. Vos avis attendent ici et repartiront seuls : gardez la page "
        "ouverte."
    ),
    "review_js_session": "Votre connexion a pris fin. Vos avis attendent : reconnectez-vous.",
    "review_js_loading": "Chargement du libellé suivant…",
    "review_js_nothing": "Rien à annuler.",
    "review_js_waiting": "en attente",
    "review_js_kept": "enregistré",
    "review_js_refused": "refusé",
    "review_js_unsent": "Avis en attente d’envoi : ",
    "review_help": "Touches du clavier",
    "review_help_number": "choisir une proposition",
    "review_help_search": "chercher un code",
    "review_help_skip": "passer, puis 1, 2 ou 3 pour dire pourquoi",
    "review_help_undo": "revenir sur le dernier avis",
    "review_help_escape": "quitter la recherche",
    "review_help_help": "montrer ou cacher cette aide",
    "review_or": "ou",
    "page_try": "Essayer",
    "try_title": "Essayer le codage",
    "try_why": (
        "Ce que vous essayez est une vraie demande à l’API : elle est comptée dans le journal."
    ),
    "try_text": "Un libellé",
    "try_go": "Coder",
    "try_badge_automatic": "codé automatiquement",
    "try_badge_review": "à vérifier",
    "try_badge_refused": "refusé",
    "try_said_automatic": (
        "Le code <b>{code} {title}</b> est donné automatiquement : la confiance, {confidence}, "
        "atteint le seuil."
    ),
    "try_said_below_threshold": (
        "Une personne doit choisir : la confiance, {confidence}, est sous le seuil."
    ),
    "try_said_no_threshold": (
        "Une personne doit choisir : aucun seuil n’est certifié, rien n’est codé automatiquement."
    ),
    "try_said_suspended": (
        "Une personne doit choisir : le codage automatique est suspendu, un audit ayant trouvé la "
        "promesse rompue."
    ),
    "try_said_refused": "Ce libellé ne peut pas être codé : {reason}.",
    "try_promise_guaranteed": (
        "Promesse : au plus {target} d’erreurs parmi les codes automatiques, ce qui est prouvé "
        "avec {sure} de confiance."
    ),
    "try_promise_indicative": (
        "Environ {target} d’erreurs sont attendues parmi les codes automatiques : une indication, "
        "sans preuve."
    ),
    "try_promise_none": "Aucune promesse n’est faite.",
    "try_promise_suspended": "La promesse est suspendue.",
    "try_words": "Les mots qui ont décidé",
    "try_words_why": "Pour <b>{first}</b> plutôt que <b>{second}</b>.",
    "try_for": "pour",
    "try_against": "contre",
    "try_neither": "ni l’un ni l’autre",
    "try_model": "Réponse du modèle {model}.",
    "try_file": "Un fichier",
    "try_choose": "Choisissez un fichier CSV ou XLSX, ou déposez-le ici",
    "try_read": "Lire le fichier",
    "try_busy": "Un instant…",
    "try_column": "Colonne des libellés",
    "try_code": "Coder ce fichier",
    "try_again": "Coder à nouveau",
    "try_download": "Télécharger le fichier codé",
    "try_rows_one": "{n} ligne",
    "try_rows_many": "{n} lignes",
    "try_facts_csv": "{n_rows}, encodage {encoding}, séparateur {delimiter}",
    "try_facts_xlsx": "{n_rows} dans la première feuille ; les autres feuilles sont laissées.",
    "try_tab": "tabulation",
    "try_file_why": (
        "20 Mo et 100 000 lignes au plus ; pour davantage, <code>libelle predict</code>. Le "
        "fichier revient dans son format, avec son encodage et son séparateur, et sept colonnes de "
        "plus. "
        "Il n’est gardé qu’un quart d’heure, pour vous seul."
    ),
    "try_formulas": (
        "Une cellule qui commence par =, +, -, @, une tabulation ou un retour reçoit une "
        "apostrophe devant elle, pour qu’aucun tableur ne l’exécute ; les nombres restent "
        "tels quels. D’une formule d’un XLSX, seule la valeur est rendue."
    ),
    "try_gone": "L’API ne répond pas. Réessayez dans un instant.",
    "try_refused": "L’API refuse cette demande.",
    "try_too_long": (
        "L’API refuse ce libellé : il est trop long, ou contient des caractères interdits."
    ),
    "try_bad_none": "Aucun fichier n’est arrivé : choisissez-en un.",
    "try_bad_form": "L’envoi n’a pas pu être lu : recommencez.",
    "try_bad_large": "Ce fichier est trop grand : 20 Mo au plus.",
    "try_bad_long": "Ce fichier est trop long : 100 000 lignes au plus.",
    "try_bad_wide": "Ce fichier a trop de colonnes : 200 au plus.",
    "try_bad_empty": "Ce fichier n’a pas de ligne sous son en-tête.",
    "try_bad_utf16": "Ce fichier est en UTF-16 : enregistrez-le en « CSV UTF-8 ».",
    "try_bad_binary": "Ce fichier n’est ni un CSV ni un XLSX.",
    "try_bad_csv": "Ce CSV ne peut pas être lu.",
    "try_bad_xlsx": "Ce XLSX ne peut pas être lu.",
    "try_bad_ragged": "La ligne {line} a plus de cellules que l’en-tête : corrigez-la.",
    "try_bad_gone": "Ce fichier n’est plus là : donnez-le à nouveau.",
    "try_bad_column": "Choisissez une colonne.",
}
