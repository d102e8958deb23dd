package dev.hyaline.engine.internal.kernel;

/** One worker's memory for {@link Kernels#product}. Reused from call to call. */
public final class Scratch {
    private float[] widened = {};
    private float[] wholePanel = {};
    private double[] doubles = {};

    /** Room for the parts of a chain of {@code panels} panels, widened from bfloat16 for rows to share. */
    public float[] widened(int panels) {
        if (widened.length < panels * Kernels.K_BLOCK * PackedMatrix.PANEL) {
            widened = new float[panels * Kernels.K_BLOCK * PackedMatrix.PANEL];
        }
        return widened;
    }

    /** Room for values widened to doubles. */
    public double[] doubles(int n) {
        if (doubles.length < n) {
            doubles = new double[n];
        }
        return doubles;
    }

    /** Room for the rows of a panel that the matrix does not fill. */
    public float[] wholePanel(int rows) {
        if (wholePanel.length < rows * PackedMatrix.PANEL) {
            wholePanel = new float[rows * PackedMatrix.PANEL];
        }
        return wholePanel;
    }
}
