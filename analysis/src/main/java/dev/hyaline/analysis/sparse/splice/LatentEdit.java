package dev.hyaline.analysis.sparse.splice;

import dev.hyaline.engine.error.BadInputException;

/** A change of one latent. */
public sealed interface LatentEdit {
    /** The latent. */
    int latent();

    /** Its activation after the edit, from that before. */
    float apply(float activation);

    /** Sets it to zero. */
    record AblateLatent(int latent) implements LatentEdit {
        @Override
        public float apply(float activation) {
            return 0;
        }
    }

    /** Sets it to a value at every token. */
    record ClampLatent(int latent, float value) implements LatentEdit {
        public ClampLatent {
            requireFinite(value);
        }

        @Override
        public float apply(float activation) {
            return value;
        }
    }

    /** Multiplies it. */
    record ScaleLatent(int latent, float factor) implements LatentEdit {
        public ScaleLatent {
            requireFinite(factor);
        }

        @Override
        public float apply(float activation) {
            return activation * factor;
        }
    }

    /** Adds to it at every token, which steers along its decoder row. */
    record SteerLatent(int latent, float amount) implements LatentEdit {
        public SteerLatent {
            requireFinite(amount);
        }

        @Override
        public float apply(float activation) {
            return activation + amount;
        }
    }

    private static void requireFinite(float value) {
        if (!Float.isFinite(value)) {
            throw new BadInputException("a latent is edited with a finite number, found " + value);
        }
    }
}
