package dev.hyaline.explorer;

/** Text as it stands in a file. */
public record Listing(String text) implements View {
    @Override
    public void write(HtmlWriter html) {
        html.open("pre", "tabindex", "0").text(text).close();
    }
}
