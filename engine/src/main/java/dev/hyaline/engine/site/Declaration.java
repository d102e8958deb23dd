package dev.hyaline.engine.site;

import java.util.List;

/**
 * What a {@link Probe} does at a point, as data as far as it goes.
 *
 * @param edits in order
 * @param then is asked again, at the same point, what it wants and reads of what the edits leave
 */
public record Declaration(List<DeclaredEdit> edits, Probe then) {
    public Declaration {
        edits = List.copyOf(edits);
    }
}
