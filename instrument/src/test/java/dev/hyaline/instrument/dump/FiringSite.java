package dev.hyaline.instrument.dump;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.capture.DerivedSite;
import java.util.List;

/** A site of which some values are zero: those of another that lie above its mean, each and negated. */
final class FiringSite implements DerivedSite {
    private static final HookPoint SOURCE = HookPoint.of(Site.RESID_POST, 0);

    private final int sourceWidth;

    FiringSite(int sourceWidth) {
        this.sourceWidth = sourceWidth;
    }

    @Override
    public String name() {
        return "fires";
    }

    @Override
    public List<HookPoint> sources() {
        return List.of(SOURCE);
    }

    @Override
    public int width() {
        return 2 * sourceWidth;
    }

    @Override
    public float[] values(List<float[]> rows) {
        float[] x = rows.getFirst();
        float[] values = new float[2 * x.length];
        for (int row = 0; row < x.length / sourceWidth; row++) {
            float mean = 0;
            for (int c = 0; c < sourceWidth; c++) {
                mean += x[row * sourceWidth + c] / sourceWidth;
            }
            for (int c = 0; c < sourceWidth; c++) {
                float value = x[row * sourceWidth + c] - mean;
                values[row * 2 * sourceWidth + c] = Math.max(0, value);
                values[row * 2 * sourceWidth + sourceWidth + c] = Math.max(0, -value - Math.abs(mean));
            }
        }
        return values;
    }

    @Override
    public String fingerprint() {
        return "of a test";
    }

    @Override
    public void requireGradients() {
        throw new BadInputException(name() + " has no gradient");
    }

    @Override
    public float[] gradients(List<float[]> rows, float[] gradient) {
        throw new BadInputException(name() + " has no gradient");
    }
}
