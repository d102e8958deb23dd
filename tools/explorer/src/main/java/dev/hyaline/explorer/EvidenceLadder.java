package dev.hyaline.explorer;

import java.util.List;

/** Kinds of evidence, from what is easily had to what is hard, each with a word and a number. */
public record EvidenceLadder(List<Rung> rungs) implements View {
    /**
     * A kind of evidence.
     *
     * @param name of the kind: {@code necessity}
     * @param word what was found: {@code confirmed}, {@code not tested}
     * @param number with its interval, as it is shown; empty where there is none
     * @param meaning what the kind means, in one sentence
     * @param address the number's place in the machine-readable twin of the page; empty if it has none
     */
    public record Rung(String name, Tone tone, String word, String number, String meaning, String address) {}

    public EvidenceLadder {
        rungs = List.copyOf(rungs);
    }

    @Override
    public void write(HtmlWriter html) {
        html.open("ol", "class", "ladder");
        for (Rung rung : rungs) {
            html.open("li", "class", rung.tone.styleClass());
            html.element("b", rung.name).text(" ");
            Badge.small(html, rung.tone, rung.word);
            if (!rung.number.isEmpty()) {
                html.text(" ").element("span", rung.number, "class", "number");
            }
            html.address(rung.address);
            html.element("p", rung.meaning).close();
        }
        html.close();
    }
}
