package dev.hyaline.explorer;

import java.util.List;

/** Paragraphs of text. */
public record Prose(List<String> paragraphs) implements View {
    public Prose {
        paragraphs = List.copyOf(paragraphs);
    }

    /** Paragraphs, one below the other. */
    public static Prose of(String... paragraphs) {
        return new Prose(List.of(paragraphs));
    }

    @Override
    public void write(HtmlWriter html) {
        paragraphs.forEach(paragraph -> html.element("p", paragraph));
    }
}
