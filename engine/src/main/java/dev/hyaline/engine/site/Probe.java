package dev.hyaline.engine.site;

/**
 * What the engine sees of an observer or editor of a pass. The pass forms only what is wanted; what nobody wants is skipped or fused away, and no value
 * of the pass depends on which points are wanted.
 */
public interface Probe {
    /** Wants nothing. */
    Probe NONE = new Probe() {
        @Override
        public boolean wants(HookPoint point) {
            return false;
        }

        @Override
        public void at(HookPoint point, Activation activation) {}
    };

    /** Asked once for each point and pass, before the pass starts. */
    boolean wants(HookPoint point);

    /**
     * Called once for each wanted point, in order, on the thread that called the pass. Values may be changed in place; the pass goes on with what it
     * finds. Nothing of {@code activation} may be kept after the call returns.
     */
    void at(HookPoint point, Activation activation);
}
