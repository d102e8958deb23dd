package dev.hyaline.engine.site;

import java.util.List;

/**
 * The effect of a {@link Probe} at a point, as far as it can be said as data.
 *
 * @param edits in order
 * @param then is asked again, at the same point, what it wants and reads of what the edits leave
 */
public record Declaration(List<DeclaredEdit> edits, Probe then) {
    public Declaration {
        edits = List.copyOf(edits);
    }
}
