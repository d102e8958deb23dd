package dev.hyaline.explorer;

import dev.hyaline.analysis.picture.Picture;
import org.jspecify.annotations.Nullable;

/**
 * A picture with what it shows in words, and its numbers as a table below it.
 *
 * @param caption what the picture is of, and how it is read
 * @param alternative what it shows, for those who cannot see it
 * @param table null where the numbers stand elsewhere on the page
 */
public record Figure(
        String caption,
        Picture picture,
        String alternative,
        @Nullable DataTable table) implements View {
    @Override
    public void write(HtmlWriter html) {
        html.open("figure").picture(picture, alternative).element("figcaption", caption);
        if (table != null) {
            new Folded("The numbers of this figure", table).write(html);
        }
        html.close();
    }
}
