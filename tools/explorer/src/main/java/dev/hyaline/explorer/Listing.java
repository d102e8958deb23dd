package dev.hyaline.explorer;

/**
 * Text as it stands in a file, which can be folded away.
 *
 * @param title its name, which is always seen
 */
public record Listing(String title, String text) implements View {
    @Override
    public void write(HtmlWriter html) {
        html.open("details").element("summary", title);
        html.open("pre", "tabindex", "0").text(text).close().close();
    }
}
