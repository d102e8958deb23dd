package dev.hyaline.explorer.report;

import dev.hyaline.explorer.Prose;
import dev.hyaline.explorer.Section;
import dev.hyaline.explorer.View;

/** The place of what a report does not have: a reader is to see that it was not done. */
final class MissingPart {
    private MissingPart() {}

    static View section(String title, String what) {
        return Section.of(title, "", Prose.of(what + " in this investigation."));
    }
}
