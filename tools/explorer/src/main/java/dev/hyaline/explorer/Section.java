package dev.hyaline.explorer;

import dev.hyaline.files.RecordText;
import java.util.List;

/**
 * A part of a page under a heading, which the page's list of sections names.
 *
 * @param lead what is seen in it, in one or two sentences; may be empty
 */
public record Section(String title, String lead, List<View> views) implements View {
    public Section {
        views = List.copyOf(views);
    }

    /** A section of views, one below the other. */
    public static Section of(String title, String lead, View... views) {
        return new Section(title, lead, List.of(views));
    }

    @Override
    public void write(HtmlWriter html) {
        html.openSection(title);
        if (!lead.isEmpty()) {
            html.element("p", lead, "class", "lead");
        }
        views.forEach(view -> view.write(html));
        html.close();
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
