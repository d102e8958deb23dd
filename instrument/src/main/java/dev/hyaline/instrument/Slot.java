package dev.hyaline.instrument;

import dev.hyaline.engine.site.HookPoint;

/**
 * The values that an intervention changes at once: one token's, or one head's of one token, at one hook point.
 *
 * @param sequence index among the prompts of the run
 * @param position absolute; of attention maps the query's
 * @param head from 0; {@link #NO_HEAD} at sites without heads
 */
public record Slot(HookPoint point, int sequence, int position, int head) {
    public static final int NO_HEAD = -1;
}
