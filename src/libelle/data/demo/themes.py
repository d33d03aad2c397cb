"""Themes: what inhabitants write about, with the code, the share and the phrases of each theme."""

from dataclasses import dataclass

SYNTHETIC_NOTICE = (
    "The demonstration corpus is synthetic: a program wrote it, no inhabitant did, and no figure "
    "measured on it says anything about a real administration."
)
SYNTHETIC_NOTICE_FR = (
    "Le corpus de démonstration est synthétique : un programme l'a écrit, aucun habitant, et aucun "
    "chiffre mesuré dessus ne dit quoi que ce soit d'une administration réelle."
)

SERVICES = {
    "01": "Voirie et stationnement",
    "02": "Propreté et déchets",
    "03": "Petite enfance et écoles",
    "04": "État civil et cimetières",
    "05": "Urbanisme",
    "06": "Espaces verts",
    "07": "Logement et action sociale",
    "08": "Tranquillité publique",
    "09": "Culture, sports et associations",
}


@dataclass(frozen=True)
class Theme:
    """A theme of the nomenclature.

    Attributes
    ----------
    code, title : str
    share : float
        Relative number of requests.
    phrases : tuple of str
        What one writes; `{lieu}` is where, `{quand}` since when, `{qui}` for whom.
    late_phrases : tuple of str
        What one writes instead near the end of the period; empty if the words do not change.
    appears_late : bool
        Whether the theme exists in the last months only.
    """

    code: str
    title: str
    share: float
    phrases: tuple[str, ...]
    late_phrases: tuple[str, ...] = ()
    appears_late: bool = False


def _theme(
    code: str, title: str, share: float, phrases: str, late: str = "", **options: bool
) -> Theme:
    return Theme(code, title, share, _lines(phrases), _lines(late), **options)


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.strip().splitlines() if line.strip())


THEMES = (
    _theme(
        "0101",
        "Chaussée et nids-de-poule",
        9.0,
        """
        un nid-de-poule s'est formé {lieu}
        la chaussée est complètement défoncée {lieu}
        trou dangereux dans la route {lieu}, j'ai crevé un pneu
        le bitume s'affaisse {lieu} {quand}
        il faudrait reboucher les trous {lieu}
        l'enrobé part en morceaux {lieu}
        la plaque d'égout est descellée et claque au passage des voitures {lieu}
        après les travaux la tranchée {lieu} n'a jamais été rebouchée correctement
        flaque d'eau énorme sur la route {lieu} dès qu'il pleut
        je demande la réfection de la rue {lieu}, elle est en très mauvais état
    """,
    ),
    _theme(
        "0102",
        "Trottoirs et accessibilité",
        3.5,
        """
        le trottoir {lieu} est impraticable avec une poussette
        les dalles du trottoir se soulèvent {lieu}
        impossible de passer en fauteuil roulant {lieu}, il manque un bateau
        ma mère est tombée sur le trottoir {lieu} à cause d'un pavé déchaussé
        des voitures garées sur le trottoir {lieu} obligent les piétons à marcher sur la route
        le trottoir est trop étroit {lieu}, c'est dangereux pour les enfants
        racines qui déforment le trottoir {lieu}
        les potelets du trottoir ont été arrachés {lieu}
    """,
    ),
    _theme(
        "0103",
        "Éclairage public",
        6.5,
        """
        le lampadaire {lieu} est éteint {quand}
        éclairage public en panne {lieu}
        toute la rue est dans le noir {lieu}
        un candélabre clignote {lieu}, c'est insupportable
        les lampadaires restent allumés en plein jour {lieu}
        l'ampoule du réverbère est grillée {lieu}
        il manque un point lumineux {lieu}, on n'y voit rien le soir
        pouvez-vous rallumer plus tôt le matin {lieu}, les enfants vont à l'école dans le noir
    """,
    ),
    _theme(
        "0104",
        "Signalisation et feux",
        3.0,
        """
        le feu tricolore {lieu} est bloqué au rouge
        le panneau stop {lieu} est tombé
        le marquage au sol du passage piéton {lieu} est effacé
        il faudrait un ralentisseur {lieu}, les voitures roulent trop vite
        miroir routier cassé {lieu}
        le panneau sens interdit {lieu} est caché par les feuilles
        demande d'installation d'un dos d'âne {lieu}
        les feux piétons {lieu} sont trop courts
    """,
    ),
    _theme(
        "0105",
        "Stationnement",
        5.0,
        """
        je souhaite une carte de stationnement résident {qui}
        comment renouveler mon macaron de stationnement
        l'horodateur {lieu} n'accepte plus les pièces
        j'ai reçu un forfait post-stationnement que je conteste
        demande d'une place de stationnement handicapé {lieu}
        réservation de places de stationnement pour un déménagement {lieu}
        plus une seule place pour se garer {lieu}
        ma carte de résident pour le stationnement n'est jamais arrivée
    """,
        """
        ma vignette digitale n'est pas reconnue par l'agent
        comment enregistrer ma plaque dans l'appli de la vignette
        les droits numériques de ma deuxième voiture ont disparu
        la vignette digitale ne se renouvelle pas sur le portail
        l'application refuse mon justificatif pour la vignette
        contestation : amende alors que ma vignette digitale est valable
        impossible de payer le ticket depuis l'appli mobile {lieu}
    """,
    ),
    _theme(
        "0201",
        "Collecte des ordures",
        7.5,
        """
        les poubelles n'ont pas été ramassées {lieu} {quand}
        mon bac jaune n'a pas été vidé ce matin
        je voudrais un bac à ordures plus grand {qui}
        le couvercle de mon bac gris est cassé
        quel est le jour de collecte des ordures {lieu}
        le camion-benne passe à cinq heures du matin {lieu}
        les éboueurs ont oublié notre impasse {lieu}
        on m'a volé mon bac de tri
        les sacs jaunes restent sur le trottoir {lieu} {quand}
        pas de ramassage du tri {lieu} malgré le calendrier
    """,
    ),
    _theme(
        "0202",
        "Dépôts sauvages",
        4.0,
        """
        dépôt sauvage de gravats {lieu}
        quelqu'un a jeté un frigo et des pneus {lieu}
        des sacs-poubelle sont abandonnés {lieu} {quand}
        décharge sauvage au bout du chemin {lieu}
        matelas et cartons déposés sur la voie publique {lieu}
        des artisans vident leur camionnette {lieu}
        des ordures s'entassent {lieu}, il y a des rats
        signalement de déchets abandonnés {lieu}
    """,
    ),
    _theme(
        "0203",
        "Encombrants",
        3.2,
        """
        je voudrais un rendez-vous pour l'enlèvement d'un canapé
        comment faire enlever mes encombrants {lieu}
        mes encombrants n'ont pas été pris {quand}
        date du prochain passage des encombrants {lieu}
        j'ai un vieux lave-linge et un matelas à faire retirer
        peut-on sortir une armoire démontée pour les encombrants
        annulation de mon rendez-vous encombrants
    """,
    ),
    _theme(
        "0204",
        "Déchèterie",
        1.6,
        """
        quels sont les horaires de la déchèterie
        je n'ai pas reçu ma carte d'accès à la déchèterie
        la déchèterie a refusé mes gravats
        peut-on déposer de l'amiante à la déchetterie
        combien de passages par an avons-nous droit à la déchèterie
        la barrière de la déchetterie ne lit plus mon badge
    """,
    ),
    _theme(
        "0205",
        "Tags et graffitis",
        1.1,
        """
        des tags ont été faits sur ma façade {lieu}
        graffiti injurieux sur le mur {lieu}
        demande d'effacement d'un tag {lieu}
        le mur {lieu} est couvert d'inscriptions à la bombe
        affichage sauvage et tags {lieu}
    """,
    ),
    _theme(
        "0206",
        "Compostage collectif",
        2.4,
        """
        comment avoir un bioseau pour le compost collectif
        le composteur de quartier {lieu} déborde
        je voudrais un référent composteur {lieu}
        où déposer mes biodéchets {lieu}
        la borne à biodéchets {lieu} ne s'ouvre plus avec le badge
        formation au compostage {qui}
        le composteur partagé sent mauvais {lieu}
    """,
        appears_late=True,
    ),
    _theme(
        "0301",
        "Place en crèche",
        3.6,
        """
        demande de place en crèche {qui}
        où en est mon dossier de crèche
        la commission d'attribution des places en crèche a-t-elle eu lieu
        je cherche un accueil en crèche trois jours par semaine {qui}
        mon bébé a six mois et je reprends le travail, y a-t-il une place
        liste d'attente de la crèche {lieu}
        quels documents pour la préinscription à la crèche
    """,
    ),
    _theme(
        "0302",
        "Assistantes maternelles",
        1.2,
        """
        je cherche la liste des assistantes maternelles {lieu}
        comment devenir assistante maternelle agréée
        horaires du relais petite enfance
        une nounou agréée {lieu} aurait-elle une place {qui}
        renseignement sur le contrat de mon assistante maternelle
        ateliers du relais assistantes maternelles
    """,
    ),
    _theme(
        "0303",
        "Inscription scolaire",
        3.8,
        """
        inscription de ma fille en maternelle pour la rentrée
        demande de dérogation pour une autre école {qui}
        nous emménageons en juillet, comment inscrire les enfants à l'école
        de quelle école dépend notre adresse {lieu}
        certificat de radiation de l'école {qui}
        inscription au CP {qui}
        la carte scolaire a-t-elle changé {lieu}
    """,
    ),
    _theme(
        "0304",
        "Cantine",
        4.4,
        """
        ma facture de cantine est fausse
        inscription à la cantine {qui}
        mon fils est allergique, comment faire un PAI pour la cantine
        annuler les repas de la semaine prochaine {qui}
        le quotient familial n'a pas été pris en compte pour la cantine
        les menus de la cantine sont-ils en ligne
        repas sans porc à la cantine {qui}
        j'ai été facturée pour un repas que ma fille n'a pas pris
    """,
    ),
    _theme(
        "0305",
        "Accueil périscolaire et centres de loisirs",
        2.6,
        """
        inscription au centre de loisirs du mercredi {qui}
        horaires de la garderie du matin
        il n'y a plus de place au centre aéré cet été
        annulation de la garderie du soir {qui}
        tarif de l'étude surveillée
        l'animateur du périscolaire n'a pas rendu le manteau de mon fils
        séjours et mini-camps des vacances {qui}
    """,
    ),
    _theme(
        "0401",
        "Actes d'état civil",
        6.2,
        """
        je souhaite une copie intégrale de mon acte de naissance
        demande d'extrait d'acte de naissance avec filiation {qui}
        comment obtenir un acte de décès {qui}
        acte de mariage de mes parents, pour un dossier de retraite
        erreur d'orthographe sur mon acte de naissance
        duplicata du livret de famille après un divorce
        reconnaissance anticipée de notre enfant
        déclaration de naissance : quels papiers apporter
        changement de prénom
    """,
    ),
    _theme(
        "0402",
        "Cartes d'identité et passeports",
        5.6,
        """
        rendez-vous pour une carte d'identité {qui}
        renouvellement de passeport, délai trop long
        j'ai perdu ma carte d'identité
        mon passeport est-il arrivé en mairie
        passeport en urgence pour un voyage la semaine prochaine
        carte d'identité volée, quelle démarche
        faut-il un timbre fiscal pour le passeport {qui}
        aucun créneau disponible pour les titres d'identité
    """,
    ),
    _theme(
        "0403",
        "Mariages et PACS",
        1.5,
        """
        retrait d'un dossier de mariage
        nous voulons nous marier en juin, quelles dates restent
        convention de PACS : quelles pièces fournir
        dissolution de notre PACS
        publication des bans
        parrainage civil de notre fils
        les noces d'or de mes grands-parents à la mairie
    """,
    ),
    _theme(
        "0404",
        "Cimetières",
        0.9,
        """
        renouvellement d'une concession au cimetière
        tombe de ma grand-mère dégradée au cimetière
        prix d'une case au columbarium
        le portail du cimetière est fermé le dimanche
        recherche de l'emplacement d'une sépulture
    """,
    ),
    _theme(
        "0501",
        "Permis de construire",
        2.2,
        """
        où en est mon permis de construire {lieu}
        dépôt d'un permis de construire pour une maison {lieu}
        quels documents joindre au permis de construire
        affichage du permis de construire du voisin {lieu}, je veux consulter le dossier
        prorogation d'un permis de construire
        attestation de conformité des travaux après permis
    """,
    ),
    _theme(
        "0502",
        "Déclarations préalables de travaux",
        2.4,
        """
        faut-il une déclaration préalable pour un abri de jardin
        déclaration de travaux pour changer mes fenêtres
        je veux construire une piscine, quelle démarche
        pose d'une clôture et d'un portail {lieu}
        ravalement de façade : déclaration préalable
        panneaux solaires sur mon toit, faut-il une autorisation
        mon voisin construit une véranda sans autorisation {lieu}
    """,
    ),
    _theme(
        "0503",
        "Plan local d'urbanisme",
        0.9,
        """
        mon terrain est-il constructible {lieu}
        certificat d'urbanisme {lieu}
        règlement de la zone UB du plan local d'urbanisme
        droit de préemption sur une vente {lieu}
        enquête publique sur le PLU
    """,
    ),
    _theme(
        "0601",
        "Parcs et jardins",
        2.6,
        """
        le square {lieu} ferme trop tôt
        les massifs de fleurs {lieu} ne sont plus arrosés
        pelouse du parc jamais tondue {lieu}
        il manque des bancs dans le jardin public {lieu}
        la fontaine du parc est à sec {quand}
        les corbeilles du square {lieu} débordent
        demande d'une parcelle de jardin familial
    """,
    ),
    _theme(
        "0602",
        "Arbres et élagage",
        2.0,
        """
        les branches des arbres touchent ma toiture {lieu}
        un arbre menace de tomber {lieu}
        demande d'élagage des platanes {lieu}
        abattage d'un arbre malade {lieu}
        les branches cachent le lampadaire {lieu}
        nid de chenilles processionnaires dans un pin {lieu}
        la haie du voisin déborde sur la voie publique {lieu}
    """,
    ),
    _theme(
        "0603",
        "Aires de jeux",
        0.7,
        """
        le toboggan de l'aire de jeux {lieu} est cassé
        balançoire dangereuse {lieu}
        il n'y a pas d'ombre sur l'aire de jeux {lieu}
        sol souple arraché aux jeux d'enfants {lieu}
        tesson de verre dans le bac à sable {lieu}
    """,
    ),
    _theme(
        "0701",
        "Logement social",
        4.6,
        """
        où en est ma demande de logement social
        renouvellement de ma demande de HLM
        nous sommes cinq dans un deux pièces, nous cherchons un logement plus grand
        je demande un échange de logement {qui}
        le bailleur ne répond pas à mes courriers
        demande de logement d'urgence après une séparation
        attestation d'enregistrement de ma demande de logement
    """,
    ),
    _theme(
        "0702",
        "Aides sociales",
        2.8,
        """
        je n'arrive plus à payer mes factures, quelles aides
        rendez-vous avec une assistante sociale
        demande d'aide alimentaire
        dossier de RSA
        bon d'achat pour la rentrée {qui}
        aide pour payer l'électricité
        domiciliation au CCAS
    """,
    ),
    _theme(
        "0703",
        "Personnes âgées",
        2.0,
        """
        portage de repas à domicile {qui}
        demande d'APA {qui}
        inscription sur le registre canicule {qui}
        aide-ménagère à domicile {qui}
        place en résidence autonomie
        le repas des aînés, comment s'inscrire
        téléassistance {qui}
    """,
    ),
    _theme(
        "0704",
        "Habitat insalubre",
        0.6,
        """
        mon appartement est couvert de moisissures et le propriétaire ne fait rien
        signalement d'un logement insalubre {lieu}
        il y a des cafards dans tout l'immeuble {lieu}
        plus de chauffage ni d'eau chaude {quand}
        le plafond de mon logement menace de s'effondrer
    """,
    ),
    _theme(
        "0801",
        "Bruit et voisinage",
        4.2,
        """
        mes voisins font du bruit toutes les nuits {lieu}
        musique trop forte du bar {lieu} jusqu'à deux heures du matin
        chantier bruyant le dimanche {lieu}
        rodéos de scooters {lieu}
        tapage nocturne {lieu} {quand}
        conflit avec mon voisin, je voudrais un médiateur
        le climatiseur du commerce {lieu} fait un bruit infernal
        des jeunes crient sous nos fenêtres {lieu}
    """,
    ),
    _theme(
        "0802",
        "Animaux",
        1.8,
        """
        un chien errant rôde {lieu}
        chat mort sur la route {lieu}
        nid de frelons asiatiques {lieu}
        invasion de rats {lieu}
        le chien du voisin aboie toute la journée {lieu}
        déjections canines partout {lieu}
        pigeons nourris au balcon {lieu}
    """,
    ),
    _theme(
        "0803",
        "Véhicules abandonnés et police municipale",
        1.7,
        """
        une voiture ventouse n'a pas bougé {quand} {lieu}
        épave de voiture sans plaque {lieu}
        opération tranquillité vacances pour ma maison
        voiture qui bloque mon garage {lieu}
        demande de passage de la police municipale {lieu}
        stationnement gênant devant mon portail {lieu}
        objet trouvé : un trousseau de clés
    """,
    ),
    _theme(
        "0901",
        "Bibliothèque et médiathèque",
        1.6,
        """
        inscription à la médiathèque {qui}
        je ne peux plus prolonger mes livres en ligne
        livre perdu, comment le rembourser
        horaires de la bibliothèque pendant les vacances
        l'heure du conte {qui}
        carte de lecteur perdue
    """,
    ),
    _theme(
        "0902",
        "Piscine et équipements sportifs",
        2.2,
        """
        horaires de la piscine municipale
        l'eau de la piscine est trop froide
        cours de natation {qui}
        le panier de basket du city stade {lieu} est cassé
        réservation d'un créneau au gymnase pour notre club
        abonnement à la piscine {qui}
        les douches du stade sont froides
    """,
    ),
    _theme(
        "0903",
        "Salles municipales",
        1.4,
        """
        location de la salle des fêtes pour un mariage
        tarif de la salle polyvalente
        réserver une salle de réunion pour notre copropriété
        prêt de tables et de chaises
        caution de la salle jamais rendue
        clé de la salle municipale pour samedi
    """,
    ),
    _theme(
        "0904",
        "Vie associative et subventions",
        1.5,
        """
        dossier de subvention pour notre association
        notre club veut un stand au forum des associations
        comment créer une association
        demande de subvention exceptionnelle
        autorisation d'un vide-grenier {lieu}
        affichage de l'événement de notre association sur le panneau lumineux
    """,
    ),
)

# Short requests that two or three themes share: nobody could tell them apart.
AMBIGUOUS = (
    (
        ("0103", "0104"),
        (
            "problème de lumière dans la rue",
            "lumière rue",
            "feu en panne",
            "le feu ne marche plus {lieu}",
        ),
    ),
    (
        ("0101", "0102"),
        (
            "problème de voirie {lieu}",
            "pavés descellés {lieu}",
            "trou {lieu}",
            "voirie abîmée {lieu}",
        ),
    ),
    (
        ("0201", "0203"),
        (
            "ramassage pas fait {lieu}",
            "passage oublié",
            "date de ramassage",
            "collecte non effectuée {lieu}",
        ),
    ),
    (
        ("0201", "0202"),
        (
            "poubelles {lieu}",
            "sacs sur le trottoir {lieu}",
            "ordures {lieu} {quand}",
            "déchets non ramassés {lieu}",
        ),
    ),
    (
        ("0301", "0302"),
        (
            "garde d'enfant",
            "mode de garde {qui}",
            "je cherche une garde {qui}",
            "place pour mon bébé",
        ),
    ),
    (
        ("0304", "0305"),
        (
            "inscription {qui}",
            "facture {qui}",
            "annulation pour mercredi",
            "je conteste la facture du mois",
        ),
    ),
    (("0303", "0305"), ("inscription rentrée {qui}", "école {qui}", "dossier d'inscription")),
    (("0401", "0403"), ("livret de famille", "dossier de mariage et acte", "acte de mariage")),
    (
        ("0401", "0402"),
        ("papiers d'identité {qui}", "prise de rendez-vous état civil", "rendez-vous {qui}"),
    ),
    (
        ("0501", "0502"),
        (
            "autorisation de travaux {lieu}",
            "dossier d'urbanisme",
            "agrandissement de ma maison {lieu}",
        ),
    ),
    (
        ("0601", "0602"),
        ("entretien des espaces verts {lieu}", "branches au sol dans le parc {lieu}"),
    ),
    (
        ("0701", "0702", "0704"),
        ("problème de logement", "aide au logement", "je cherche une aide pour mon logement"),
    ),
    (
        ("0105", "0803"),
        ("voiture mal garée {lieu}", "stationnement {lieu}", "stationnement gênant {lieu}"),
    ),
    (("0801", "0802"), ("aboiements {lieu}", "nuisances {lieu}", "problème de voisinage {lieu}")),
    (
        ("0902", "0903", "0904"),
        ("réservation de salle pour notre club", "créneau pour notre association"),
    ),
)

MEANINGLESS = (
    "",
    "test",
    "???",
    "bonjour",
    "...",
    "ok",
    "a",
    "demande",
    "voir pièce jointe",
    "suite",
    "123",
)

PLACES = tuple(
    f"{before} {name}"
    for before, names in (
        (
            "rue",
            (
                "des Tilleuls",
                "du Moulin-Vert",
                "de la Fontaine-Bleue",
                "des Trois-Ormes",
                "du Puits-Salé",
                "de la Vieille-Forge",
                "des Hirondelles",
                "du Lavoir",
                "du Pré-aux-Oies",
                "des Quatre-Vents",
            ),
        ),
        ("avenue", ("des Marronniers", "du Grand-Large", "de la Tuilerie", "des Coquelicots")),
        ("place", ("du Marché-Neuf", "de l'Horloge", "des Ormeaux", "du Vieux-Puits")),
        ("quartier", ("de la Roseraie", "des Hauts-Champs", "du Port-aux-Grains")),
        ("impasse", ("du Cerisier", "des Lilas", "de la Grange")),
    )
    for name in names
)
WHERE = (
    "{place}",
    "au 12 {place}",
    "{place}",
    "devant le {n} {place}",
    "à l'angle de la {place}",
    "près de l'école",
    "devant la gare",
    "en face de la boulangerie",
    "derrière le gymnase",
    "devant chez moi",
    "dans ma rue",
    "",
)
SINCE = (
    "depuis une semaine",
    "depuis lundi",
    "depuis plus d'un mois",
    "depuis trois jours",
    "depuis la tempête",
    "depuis hier soir",
    "",
)
FOR_WHOM = (
    "pour mon fils",
    "pour ma fille",
    "pour mes deux enfants",
    "pour ma mère",
    "pour mon mari et moi",
    "pour septembre",
    "",
    "",
)
GREETINGS = (
    "Bonjour, ",
    "Bonjour Madame, Monsieur, ",
    "Madame le Maire, ",
    "Bonjour ",
    "Bonsoir, ",
    "Je me permets de vous écrire : ",
    "Urgent ! ",
    "Deuxième relance : ",
)
CLOSINGS = (
    " Merci.",
    " Merci de faire le nécessaire.",
    " Merci d'avance pour votre réponse.",
    " Cordialement",
    " C'est la troisième fois que je le signale.",
    " Que comptez-vous faire ?",
    " Bien à vous",
    " J'attends votre retour rapidement.",
    " Je suis à bout.",
    " svp",
)
ABBREVIATIONS = {
    "rendez-vous": "rdv",
    "s'il vous plaît": "svp",
    "avenue": "av.",
    "beaucoup": "bcp",
    "pour": "pr",
    "quand": "qd",
    "dans": "ds",
    "logement": "lgt",
    "problème": "pb",
    "toujours": "tjs",
    "bonjour": "bjr",
    "depuis": "dps",
    "vous": "vs",
    "quelque": "qq",
    "appartement": "appt",
    "département": "dpt",
    "document": "doc",
    "place": "pl.",
}
