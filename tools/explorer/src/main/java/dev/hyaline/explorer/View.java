package dev.hyaline.explorer;

/** A part of a page. */
@FunctionalInterface
public interface View {
    /** Writes the part. Must write the same each time, and close what it opens. */
    void write(HtmlWriter html);
}
