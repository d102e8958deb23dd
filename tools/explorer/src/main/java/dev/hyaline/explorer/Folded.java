package dev.hyaline.explorer;

/**
 * A view that is folded away until it is asked for.
 *
 * @param title what is always seen
 */
public record Folded(String title, View view) implements View {
    @Override
    public void write(HtmlWriter html) {
        html.open("details").element("summary", title);
        view.write(html);
        html.close();
    }
}
