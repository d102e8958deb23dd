package dev.hyaline.engine.site;

/**
 * The live values of one hook point, for all sequences of a ragged batch laid end to end. At most points there is one
 * row of {@link #width} values a token; attention maps ({@link Site.Shape#ATTENTION}) hold {@code [nHeads, queries,
 * keys]} for each sequence instead. Either way the values of sequence {@code s} are the {@link #size(int) size(s)}
 * elements of {@link #values} from {@link #offset(int) offset(s)}.
 *
 * <p>At {@code unembed.hook_out} only the rows and the columns of the vocabulary that were asked for exist.
 */
public interface Activation {
    /** The pass's own buffer, row-major; it may be longer than what is in use. */
    float[] values();

    /** Values a row; for attention maps 1. */
    int width();

    /** Rows in use: tokens whose values exist here. */
    int rows();

    /** Sequences in the batch. */
    int sequences();

    /**
     * Row of the first token of a sequence; {@code firstRow(sequences()) == rows()}.
     *
     * @throws dev.hyaline.engine.error.BadInputException if there is no such sequence, here and below
     */
    int firstRow(int sequence);

    /**
     * Absolute position of a row's token in its sequence: past tokens count.
     *
     * @throws dev.hyaline.engine.error.BadInputException if there is no such row
     */
    int position(int row);

    /** Index in {@link #values} of a sequence's first value. */
    int offset(int sequence);

    /** Number of values of a sequence. */
    int size(int sequence);

    /**
     * Attention maps: keys a query of this sequence can be compared with, past ones included; key {@code j} is at
     * position {@code j}.
     */
    int keys(int sequence);

    /** At {@code unembed.hook_out}, the token id of each column when not all were asked for; otherwise empty. */
    int[] columns();
}
