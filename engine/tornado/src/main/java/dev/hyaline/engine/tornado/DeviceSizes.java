package dev.hyaline.engine.tornado;

import dev.hyaline.engine.Device;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BackendUnavailableException;
import dev.hyaline.engine.error.BadInputException;

/**
 * The sizes of a model's buffers on a device; room is taken once, when it is opened.
 *
 * @param rows tokens a pass
 * @param pages of keys and values, {@link AttentionKernels#PAGE} positions each, for all caches and passes
 * @param logitRows rows whose logits are formed at once
 */
record DeviceSizes(Gpt2Config config, int rows, int pages, int logitRows) {
    /**
     * System property with the tokens a pass may have; by default the model's positions, and at least
     * {@value #MIN_ROWS}.
     */
    static final String ROWS_PROPERTY = "hyaline.device.tokens";
    /**
     * System property with the positions that caches and passes may hold together; by default those of eight full
     * sequences and a pass.
     */
    static final String POSITIONS_PROPERTY = "hyaline.device.positions";

    /** Places of an edit made at a time. */
    static final int PLACES = 1 << 13;

    private static final int MIN_STAGING = 1 << 16;

    static final int MIN_ROWS = 2048;

    private static final int MAX_TABLE_ENTRIES = 1 << 17;
    private static final int MAX_LOGITS = 1 << 24;
    private static final int MAX_INDEX = Integer.MAX_VALUE - 8;

    /**
     * The sizes that the properties ask for.
     *
     * @throws BackendUnavailableException naming what does not fit
     */
    static DeviceSizes of(Gpt2Config config, Device device) {
        int rows = property(ROWS_PROPERTY, Math.max(MIN_ROWS, config.nCtx()));
        int positions = property(POSITIONS_PROPERTY, 8 * config.nCtx() + rows);
        int pages = Math.ceilDiv(positions, AttentionKernels.PAGE);
        int logitRows = Math.clamp(MAX_LOGITS / config.dVocab(), 1, rows);
        DeviceSizes sizes = new DeviceSizes(config, rows, pages, logitRows);
        sizes.requireIndexable();
        sizes.requireFits(device);
        return sizes;
    }

    private static int property(String name, int byDefault) {
        String value = System.getProperty(name);
        if (value == null) {
            return byDefault;
        }
        if (!value.matches("[1-9]\\d{0,6}")) {
            throw new BadInputException(name + " must be a number of at least 1, found " + value);
        }
        return Integer.parseInt(value);
    }

    /**
     * Attention maps of one sequence as long as a pass may be, or of shorter ones; or what the heads of a pass read or
     * write.
     */
    int mapValues() {
        return (int) Math.min((long) config.nHeads() * rows * Math.max(config.nCtx(), config.dModel()), MAX_INDEX);
    }

    /** Most values that an edit finds at one place: a row's, or of an attention map a query's. */
    int widestPlace() {
        return Math.max(config.nCtx(), Math.max(config.dMlp(), config.dModel()));
    }

    /** Values uploaded at a time: of an edit at least a direction and an addend. */
    int staging() {
        return Math.max(MIN_STAGING, EditKernels.STAGED + 2 * widestPlace());
    }

    int pageValues() {
        return Math.toIntExact(pageValuesLong());
    }

    /** Entries of the table of pages of a batch, whose sequences may share them. */
    int tableEntries() {
        return (int) Math.min((long) rows * Math.ceilDiv(config.nCtx(), AttentionKernels.PAGE), MAX_TABLE_ENTRIES);
    }

    private long pageValuesLong() {
        return (long) config.nLayers() * pages * AttentionKernels.PAGE * config.dModel();
    }

    private long widestWeights() {
        long d = config.dModel();
        return Math.max(d * config.dVocab(), config.nLayers() * d * Math.max(3 * d, config.dMlp()));
    }

    private long largest() {
        long activations = (long) rows * Math.max(config.dMlp(), 3 * config.dModel());
        return Math.max(Math.max(widestWeights(), pageValuesLong()), Math.max(activations, mapValues()));
    }

    /** Bytes of everything together. */
    long bytes() {
        long d = config.dModel();
        long activations = (long) rows * (7 * d + config.dMlp() + 1 + RowField.FIELDS) + mapValues();
        long other = (long) logitRows * config.dVocab()
                + 2 * pageValuesLong()
                + tableEntries()
                + 2L * config.dVocab()
                + staging()
                + PLACES * PlaceField.FIELDS
                + widestPlace();
        return Float.BYTES * (config.parameters() + activations + other);
    }

    private void requireIndexable() {
        if (largest() > MAX_INDEX) {
            throw new BackendUnavailableException(
                    "arrays on a device are indexed by 31 bits, and the model needs one of " + largest() + " values",
                    "ask for less with -D" + ROWS_PROPERTY + " and -D" + POSITIONS_PROPERTY
                            + ", or run on the processors");
        }
    }

    private void requireFits(Device device) {
        if (bytes() > device.memory()) {
            throw unfit(device, bytes(), "memory of " + device.memory());
        }
        if (largest() * Float.BYTES > device.largestArray()) {
            throw unfit(device, largest() * Float.BYTES, "largest array of " + device.largestArray());
        }
    }

    private static BackendUnavailableException unfit(Device device, long needed, String limit) {
        return new BackendUnavailableException(
                "the model needs " + needed + " bytes at once on device " + device + ", which has a " + limit
                        + " bytes",
                "ask for less with -D" + ROWS_PROPERTY + " and -D" + POSITIONS_PROPERTY + ", or run on the processors");
    }
}
