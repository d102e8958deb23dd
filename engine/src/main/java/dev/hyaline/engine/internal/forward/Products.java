package dev.hyaline.engine.internal.forward;

import dev.hyaline.engine.ActivationFunction;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.parallel.WorkerPool;

/**
 * Some matrix products over the same number of rows as one parallel loop. What follows a product element by element is done while its columns are still in
 * the cache. Reused from loop to loop, so that a pass allocates nothing.
 */
final class Products {
    /** Rows of a task: few enough to stay in the second-level cache with a panel, and a multiple of the largest tile. */
    private static final int ROWS_AT_ONCE = 192;
    /** Multiply-adds below which a task costs less than handing it out. */
    private static final int SMALLEST_TASK = 1 << 18;

    private final Kernels kernels;
    private final WorkerPool pool;
    private final WorkerPool.Task task = this::runTask;
    private final Product[] products;
    private int count;
    private int rows;
    private int panelsAtOnce;
    private int rowBlocks;

    /** One product; {@code in} and {@code out} are rows with strides. */
    private static final class Product {
        float[] out;
        int outAt;
        int outStride;
        float[] in;
        int inAt;
        int inStride;
        PackedMatrix w;
        ActivationFunction activation;
        float[] addTo;
        int groups;
    }

    Products(Kernels kernels, WorkerPool pool, int most) {
        this.kernels = kernels;
        this.pool = pool;
        products = new Product[most];
        for (int i = 0; i < most; i++) {
            products[i] = new Product();
        }
    }

    /** {@code out = in w + bias} over contiguous rows. */
    Products add(float[] out, float[] in, PackedMatrix w) {
        return add(out, 0, w.n(), in, 0, w.k(), w);
    }

    /** {@code out = in w + bias} over rows that lie {@code outStride} and {@code inStride} apart. */
    Products add(float[] out, int outAt, int outStride, float[] in, int inAt, int inStride, PackedMatrix w) {
        Product product = products[count++];
        product.out = out;
        product.outAt = outAt;
        product.outStride = outStride;
        product.in = in;
        product.inAt = inAt;
        product.inStride = inStride;
        product.w = w;
        product.activation = null;
        product.addTo = null;
        return this;
    }

    /** Then {@code out = f(out)} for the last product added. */
    Products thenActivate(ActivationFunction f) {
        products[count - 1].activation = f;
        return this;
    }

    /** Then {@code addend += out} for the last product added, whose rows have the layout of {@code out}. */
    Products thenAddTo(float[] sum) {
        products[count - 1].addTo = sum;
        return this;
    }

    /** Runs the products added since the last run, on the first {@code rows} rows. */
    void run(int rows) {
        this.rows = rows;
        rowBlocks = (rows + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE;
        int panels = 0;
        for (int i = 0; i < count; i++) {
            panels += products[i].w.panels();
        }
        int panelCost = Math.min(rows, ROWS_AT_ONCE) * products[0].w.k() * PackedMatrix.PANEL;
        int balanced = Math.max(1, panels * rowBlocks / (4 * pool.threads()));
        panelsAtOnce = Math.min(balanced, 1 + SMALLEST_TASK / panelCost);
        int tasks = 0;
        for (int i = 0; i < count; i++) {
            products[i].groups = (products[i].w.panels() + panelsAtOnce - 1) / panelsAtOnce;
            tasks += products[i].groups * rowBlocks;
        }
        pool.run(tasks, task);
        count = 0;
    }

    private void runTask(int worker, int index) {
        int left = index;
        int i = 0;
        while (left >= products[i].groups * rowBlocks) {
            left -= products[i].groups * rowBlocks;
            i++;
        }
        Product p = products[i];
        // Row blocks of the same panels come next to each other, so that a panel leaves memory once.
        int firstPanel = left / rowBlocks * panelsAtOnce;
        int endPanel = Math.min(firstPanel + panelsAtOnce, p.w.panels());
        int firstRow = left % rowBlocks * ROWS_AT_ONCE;
        int count = Math.min(ROWS_AT_ONCE, rows - firstRow);
        int outAt = p.outAt + firstRow * p.outStride;
        kernels.product(
                p.out,
                outAt,
                p.outStride,
                p.in,
                p.inAt + firstRow * p.inStride,
                p.inStride,
                p.w,
                count,
                firstPanel,
                endPanel);
        if (p.activation == null && p.addTo == null) {
            return;
        }
        int column = firstPanel * PackedMatrix.PANEL;
        int columns = p.w.columns(firstPanel, endPanel);
        for (int row = 0; row < count; row++) {
            int at = outAt + row * p.outStride + column;
            if (p.activation != null) {
                kernels.activate(p.out, at, columns, p.activation);
            }
            if (p.addTo != null) {
                kernels.add(p.addTo, at, p.out, at, columns);
            }
        }
    }
}
