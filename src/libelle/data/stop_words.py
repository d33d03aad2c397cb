"""Stop words: short lists of our own, in lower case; a change of a word changes the version."""

STOP_WORDS_VERSION = 1

STOP_WORDS: dict[str, frozenset[str]] = {
    "french": frozenset("""
        a afin ai ainsi alors apres as au aucun aussi autre autres aux avait avant avec avez avoir
        avons bien c ca car ce ceci cela celle celles celui ces cet cette ceux chez comme d dans de
        deja des donc dont du elle elles en encore est et etaient etait etant etc ete etes etre eu
        eux fait faire faut il ils j je l la le les leur leurs lors lui m ma mais me meme memes mes
        moi mon n ne nos notre nous on ont ou par pas peu peut plus pour qu quand que quel quelle
        quelles quels qui quoi s sa sans se sera ses si son sont sous suis sur t ta te tes toi ton
        tous tout toute toutes tres tu un une vers via vos votre vous y
        """.split()),
    "english": frozenset("""
        a about after all also an and any are as at be been but by can could did do does for from
        had has have he her here his how i if in into is it its just me more most my no not of on or
        other our out over own same she should so some such than that the their them then there
        these they this those through to too under until up very was we were what when where which
        while who why will with would you your
        """.split()),
}
