package dev.hyaline.explorer;

/**
 * A column of a table.
 *
 * @param name its heading
 * @param key its name in the saved table, and the last part of the address of each of its numbers
 * @param content the cells that it has
 * @param alike whether its numbers are of one kind, so that they are rounded alike
 */
public record TableColumn(String name, String key, Content content, boolean alike) {
    /** Cells of a column. */
    public enum Content {
        /** Text, or words with a tone. */
        TEXT,
        /** Numbers. */
        NUMBER,
        /** P values, each with as many digits as it needs. */
        P_VALUE,
        /** Intervals. */
        INTERVAL
    }

    public static TableColumn text(String name, String key) {
        return new TableColumn(name, key, Content.TEXT, true);
    }

    public static TableColumn number(String name, String key) {
        return new TableColumn(name, key, Content.NUMBER, true);
    }

    public static TableColumn pValue(String name, String key) {
        return new TableColumn(name, key, Content.P_VALUE, false);
    }

    public static TableColumn interval(String name, String key) {
        return new TableColumn(name, key, Content.INTERVAL, true);
    }

    /** The same column, whose numbers are of different kinds: each is rounded by itself. */
    public TableColumn ofAllKinds() {
        return new TableColumn(name, key, content, false);
    }
}
