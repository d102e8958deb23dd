package dev.hyaline.explorer;

import java.util.List;

/** A list of sentences. */
public record Bullets(List<String> items) implements View {
    public Bullets {
        items = List.copyOf(items);
    }

    @Override
    public void write(HtmlWriter html) {
        html.open("ul");
        items.forEach(item -> html.element("li", item));
        html.close();
    }
}
