package dev.hyaline.explorer;

import java.util.LinkedHashMap;
import java.util.Map;

/** Names and what they stand for: provenance, a glossary. */
public final class Facts implements View {
    private final Map<String, String> facts;
    private final boolean code;

    private Facts(Map<String, String> facts, boolean code) {
        this.facts = new LinkedHashMap<>(facts);
        this.code = code;
    }

    /** Names and sentences, in the map's order. */
    public static Facts of(Map<String, String> facts) {
        return new Facts(facts, false);
    }

    /** Names and what is written alike each time, such as digests and commands. */
    public static Facts ofCode(Map<String, String> facts) {
        return new Facts(facts, true);
    }

    @Override
    public void write(HtmlWriter html) {
        html.open("dl", "class", "facts");
        facts.forEach((name, fact) -> {
            html.element("dt", name).open("dd");
            if (code) {
                html.element("code", fact);
            } else {
                html.text(fact);
            }
            html.close();
        });
        html.close();
    }

    @Override
    public String toString() {
        return facts.toString();
    }
}
