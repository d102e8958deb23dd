package dev.hyaline.explorer.live;

import dev.hyaline.explorer.data.ViewData;
import java.util.Set;

/** A view that is made anew for every request. */
interface LiveView {
    /** The names that a request may have besides those of every view. */
    Set<String> options();

    /** Returns whether a page has the view: some need what only a command line names. */
    default boolean isThere(ExploredModel explored) {
        return true;
    }

    /** Runs the model and returns what the view shows. */
    ViewData data(LiveModel model, ViewRequest request, RunProgress progress);
}
