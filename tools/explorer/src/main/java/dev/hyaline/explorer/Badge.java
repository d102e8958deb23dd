package dev.hyaline.explorer;

/**
 * A word that is seen first, such as a verdict, and a sentence about it.
 *
 * @param sentence may be empty
 */
public record Badge(Tone tone, String word, String sentence) implements View {
    @Override
    public void write(HtmlWriter html) {
        html.open("p", "class", "banner " + tone.styleClass());
        small(html, tone, word);
        html.text(sentence.isEmpty() ? "" : " ").element("span", sentence).close();
    }

    /** Writes a word in the colour of its tone, with its sign. */
    static void small(HtmlWriter html, Tone tone, String word) {
        html.open("span", "class", "badge " + tone.styleClass());
        if (!tone.sign().isEmpty()) {
            html.element("span", tone.sign() + " ", "aria-hidden", "true");
        }
        html.text(word).close();
    }
}
