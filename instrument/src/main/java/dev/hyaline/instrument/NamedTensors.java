package dev.hyaline.instrument;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.engine.tensor.Tensor;
import dev.hyaline.files.Printable;
import java.util.List;

/**
 * Values by hook point and sequence, each read as a tensor: an activation cache, gradients, a dump. Of one prompt
 * alone, as most are, its sequence need not be named.
 *
 * <p>For example: {@snippet file="dev/hyaline/instrument/JavadocExamplesTest.java" region="names"}
 */
public interface NamedTensors {
    /** The points whose values are held, in the order in which a pass reaches them. */
    List<HookPoint> points();

    /** Number of sequences. */
    int sequences();

    /**
     * The values of a point in one sequence, {@code [position, ...]}, or {@code [head, query, key]} for attention maps.
     *
     * @throws BadInputException if they are not held
     */
    Tensor get(HookPoint point, int sequence);

    /**
     * The values of a point in the only sequence.
     *
     * @throws BadInputException if they are not held, or there are several sequences
     */
    default Tensor get(HookPoint point) {
        if (sequences() != 1) {
            throw new BadInputException(
                    "there are " + sequences() + " sequences; name one, from 0, after the hook point");
        }
        return get(point, 0);
    }

    /**
     * The values in the only sequence of the one point that a name means.
     *
     * @param name with its layer, {@code blocks.2.attn.hook_pattern} or {@code pattern2}; without one if the site is
     *     outside the blocks or held in one layer only
     * @throws BadInputException if it means no point that is held, or several, or there are several sequences
     */
    default Tensor get(String name) {
        if (HookPoints.hasLayer(name)) {
            return get(HookPoints.point(name));
        }
        Site site = HookPoints.site(name);
        List<HookPoint> held =
                points().stream().filter(point -> point.site() == site).toList();
        if (held.isEmpty()) {
            throw new BadInputException(site.localName() + " was not recorded");
        }
        if (held.size() > 1) {
            throw new BadInputException("'" + Printable.plain(name) + "' means " + held.size()
                    + " hook points; name one, such as " + held.getFirst());
        }
        return get(held.getFirst());
    }

    /**
     * The values of a site in a layer, in the only sequence.
     *
     * @param name without a layer, such as {@code pattern}, {@code attn.hook_z}
     * @throws BadInputException if they are not held, or there are several sequences
     */
    default Tensor get(String name, int layer) {
        return get(HookPoints.point(name, layer));
    }

    /**
     * The values of a site in a layer, in one sequence.
     *
     * @param name without a layer, such as {@code pattern}, {@code attn.hook_z}
     * @throws BadInputException if they are not held
     */
    default Tensor get(String name, int layer, int sequence) {
        return get(HookPoints.point(name, layer), sequence);
    }
}
