package dev.hyaline.explorer;

import java.util.List;

/** The few numbers that a reader takes away, large. */
public record KeyFigures(List<KeyFigure> figures) implements View {
    /**
     * A number.
     *
     * @param value as it is shown, with its unit
     * @param note what belongs to it, such as an interval; may be empty
     * @param address its place in the machine-readable twin of the page; empty if it has none
     */
    public record KeyFigure(String label, String value, String note, String address) {}

    public KeyFigures {
        figures = List.copyOf(figures);
    }

    @Override
    public void write(HtmlWriter html) {
        html.open("dl", "class", "figures");
        for (KeyFigure figure : figures) {
            html.open("div").element("dt", figure.label);
            html.open("dd").element("b", figure.value);
            if (!figure.note.isEmpty()) {
                html.text(" ").element("span", figure.note, "class", "note");
            }
            html.address(figure.address).close().close();
        }
        html.close();
    }
}
