package dev.hyaline.explorer;

import dev.hyaline.explorer.data.ViewData;

/**
 * A view that a page draws from data and that answers to the reader. What {@link #write} writes is read where no script
 * runs, and must say the same as far as a table or a picture can.
 */
public interface DataView extends View {
    /** What it shows. Must be the same each time. */
    ViewData data();
}
