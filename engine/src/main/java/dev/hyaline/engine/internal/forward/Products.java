package dev.hyaline.engine.internal.forward;

import static java.lang.Math.ceilDiv;

import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.internal.kernel.InputRows;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.kernel.Rows;
import dev.hyaline.engine.internal.kernel.Scratch;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Products of the same rows with one or more matrices, as one parallel loop. What follows a product element by element
 * is done while its columns are still in the cache. One object for all loops, so that a pass allocates nothing:
 * {@code begin(rows).into(out, matrix)...run()}, all in one statement.
 */
public final class Products {
    /** Most rows of a task: few enough for their part of a chain to stay in the second-level cache. */
    private static final int ROWS_AT_ONCE = 192;
    /**
     * Rows a thread from which each thread takes rows of its own instead of panels: reading all weights then costs less
     * than sharing activations.
     */
    private static final int ROWS_OF_ITS_OWN = 384;
    /** Multiply-adds below which a task costs more to hand out than it saves. */
    private static final int MIN_TASK_SIZE = 1 << 18;

    /** Groups of rows that one task interleaves. */
    private static final int GROUPS_PER_TASK = 8;

    private static final int MAX_COUNT = 3;

    private static final float[] NOTHING = {};
    private static final PackedMatrix NO_MATRIX = PackedMatrix.zeros(0, 0, false);

    private final Kernels kernels;
    private final WorkerPool pool;
    private final WorkerPool.Task task = this::runTask;
    private final WorkerPool.Task interleaveTask = this::interleave;
    private final InputRows in = new InputRows();
    /** By worker. */
    private final Scratch[] scratch;

    private final Product[] products = new Product[MAX_COUNT];

    // The loop that runs: tasks are made once and find their arguments here, since a lambda that captured them would be
    // allocated for each loop.
    private int count;
    private int rows;
    private int panelsAtOnce;
    private int rowsAtOnce;
    private int blocksPerPart;
    private int tasksPerPart;

    private static final class Product {
        private PackedMatrix w = NO_MATRIX;
        private float[] out = NOTHING;
        private int outAt;
        private int outStride;
        private @Nullable ActivationFunction activation;
        private float @Nullable [] sum;
        private int sumAt;
        private int sumStride;
        /** Groups of panels: tasks a block of rows. */
        private int groups;
    }

    /** Products on kernels and threads. */
    public Products(Kernels kernels, WorkerPool pool) {
        this.kernels = kernels;
        this.pool = pool;
        scratch = Stream.generate(Scratch::new).limit(pool.threads()).toArray(Scratch[]::new);
        for (int i = 0; i < MAX_COUNT; i++) {
            products[i] = new Product();
        }
    }

    /** Begins a loop over products of contiguous rows {@code [rows, k]}. */
    public Products begin(float[] values, int k, int rows) {
        return begin(values, 0, k, k, rows);
    }

    /** Begins a loop over products of rows that lie {@code stride} apart, of {@code k} values each. */
    public Products begin(float[] values, int at, int stride, int k, int rows) {
        in.set(values, at, stride, k, rows, kernels.rowsTogether());
        this.rows = rows;
        count = 0;
        return this;
    }

    /** {@code out = in w + bias}, contiguous rows. */
    public Products into(float[] out, PackedMatrix w) {
        return into(out, 0, w.n(), w);
    }

    /** {@code out = in w + bias}, rows {@code outStride} apart. */
    public Products into(float[] out, int outAt, int outStride, PackedMatrix w) {
        Product product = products[count++];
        product.w = w;
        product.out = out;
        product.outAt = outAt;
        product.outStride = outStride;
        product.activation = null;
        product.sum = null;
        return this;
    }

    /** Then {@code out = f(out)} for the last product. */
    public Products thenActivate(ActivationFunction f) {
        products[count - 1].activation = f;
        return this;
    }

    /** Then {@code sum += out} for the last product, {@code sum} having the layout of {@code out}. */
    public Products thenAddTo(float[] sum) {
        return thenAddTo(sum, products[count - 1].outAt, products[count - 1].outStride);
    }

    /** Then {@code sum += out} for the last product, rows {@code sumStride} apart. */
    public Products thenAddTo(float[] sum, int sumAt, int sumStride) {
        Product product = products[count - 1];
        product.sum = sum;
        product.sumAt = sumAt;
        product.sumStride = sumStride;
        return this;
    }

    /** Runs the loop that was begun. */
    public void run() {
        if (in.groups() > 0) {
            in.reserve();
            pool.run(interleaveTasks(), interleaveTask);
        }
        pool.run(divide(), task);
        // What the caller owns, such as the logits, is not kept alive.
        for (int i = 0; i < count; i++) {
            products[i].out = NOTHING;
            products[i].sum = null;
        }
        in.forget();
    }

    /**
     * Divides the work into tasks, and returns their number. The first tasks are those of the first rows, if threads
     * take rows of their own.
     */
    private int divide() {
        int parts = rows >= ROWS_OF_ITS_OWN * pool.threads() ? pool.threads() : 1;
        blocksPerPart = ceilDiv(rows, parts * ROWS_AT_ONCE);
        int blocks = parts * blocksPerPart;
        rowsAtOnce = roundUp(ceilDiv(rows, blocks), in.group());
        int panels = 0;
        for (int i = 0; i < count; i++) {
            panels += products[i].w.panels();
        }
        long panelCost = (long) Math.min(rows, rowsAtOnce) * products[0].w.k() * PackedMatrix.PANEL;
        int balanced = Math.max(1, panels * blocks / (4 * pool.threads()));
        panelsAtOnce = roundUp((int) Math.min(balanced, 1 + MIN_TASK_SIZE / panelCost), kernels.panelsTogether(rows));
        tasksPerPart = 0;
        for (int i = 0; i < count; i++) {
            products[i].groups = ceilDiv(products[i].w.panels(), panelsAtOnce);
            tasksPerPart += products[i].groups * blocksPerPart;
        }
        return parts * tasksPerPart;
    }

    private static int roundUp(int n, int multiple) {
        return ceilDiv(n, multiple) * multiple;
    }

    private int interleaveTasks() {
        return ceilDiv(in.groups(), GROUPS_PER_TASK);
    }

    private void interleave(int worker, int index) {
        kernels.interleave(in, index * GROUPS_PER_TASK, Math.min(in.groups(), (index + 1) * GROUPS_PER_TASK));
    }

    private void runTask(int worker, int index) {
        int left = index % tasksPerPart;
        int i = 0;
        while (left >= products[i].groups * blocksPerPart) {
            left -= products[i].groups * blocksPerPart;
            i++;
        }
        Product p = products[i];
        // Row blocks of the same panels come next to each other, so that a panel leaves memory once.
        int firstPanel = left / blocksPerPart * panelsAtOnce;
        int endPanel = Math.min(firstPanel + panelsAtOnce, p.w.panels());
        int firstRow = (index / tasksPerPart * blocksPerPart + left % blocksPerPart) * rowsAtOnce;
        int endRow = Math.min(rows, firstRow + rowsAtOnce);
        if (firstRow >= endRow) {
            return;
        }
        Rows out = new Rows(p.out, p.outAt, p.outStride);
        kernels.product(out, in, p.w, firstRow, endRow, firstPanel, endPanel, scratch[worker]);
        if (p.activation == null && p.sum == null) {
            return;
        }
        int columns = p.w.columns(firstPanel, endPanel);
        for (int row = firstRow; row < endRow; row++) {
            int column = firstPanel * PackedMatrix.PANEL;
            int at = p.outAt + row * p.outStride + column;
            if (p.activation != null) {
                kernels.activate(p.out, at, columns, p.activation);
            }
            if (p.sum != null) {
                kernels.add(p.sum, p.sumAt + row * p.sumStride + column, p.out, at, columns);
            }
        }
    }
}
