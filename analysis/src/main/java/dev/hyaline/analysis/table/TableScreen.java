package dev.hyaline.analysis.table;

import dev.hyaline.analysis.statistics.Adjustment;
import dev.hyaline.analysis.statistics.Effect;
import dev.hyaline.analysis.statistics.VerdictInterval;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.EscapedText;
import dev.hyaline.files.Printable;
import dev.hyaline.files.ScreenWidth;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A table of results as lines of text: means in rows and columns, in colour where there are colours. A table too long
 * for that is shown as a list of the cells that stand out.
 */
public final class TableScreen {
    private static final int MAX_ROWS = 160;
    private static final int MAX_WORD_LENGTH = 5;
    private static final int SHOWN = 20;

    /** How text looks where it is shown. */
    public interface Style {
        /** Text in lines of 100 columns that does not look like anything. */
        Style PLAIN = new Style() {};

        default String bold(String text) {
            return text;
        }

        default String dim(String text) {
            return text;
        }

        /** Text on a colour {@code 0xRRGGBB}. */
        default String onColour(int rgb, String text) {
            return text;
        }

        /** Returns whether {@link #onColour} does anything. */
        default boolean colours() {
            return false;
        }

        /** Columns of a line, unless a table is wider. */
        default int columns() {
            return 100;
        }
    }

    private final Style style;
    private final ResultTable table;
    private final Grid grid;
    private final List<String> lines = new ArrayList<>();

    private TableScreen(Style style, ResultTable table) {
        this.style = style;
        this.table = table;
        this.grid = Grid.of(table);
    }

    /** A table as the command shows it. */
    public static List<String> lines(ResultTable table, Style style) {
        TableScreen screen = titled(table, style);
        if (table.axes().size() == 1 && table.cells() <= MAX_ROWS) {
            screen.list(IntStream.range(0, table.cells()).boxed().toList());
        } else if (screen.grid.rows().size() <= MAX_ROWS) {
            screen.differences();
            screen.grid();
            screen.listMarked();
        } else {
            screen.standingOut(SHOWN);
        }
        return screen.explained();
    }

    /**
     * The cells of a table whose means are farthest from what is neutral, or from 0, as a list.
     *
     * @param most how many at most
     * @throws BadInputException if {@code most} is not positive
     */
    public static List<String> top(ResultTable table, Style style, int most) {
        TableScreen screen = titled(table, style);
        screen.standingOut(most);
        return screen.explained();
    }

    private static TableScreen titled(ResultTable table, Style style) {
        TableScreen screen = new TableScreen(style, table);
        screen.lines.add(style.bold(table.title()) + "  " + style.dim(table.measured()));
        return screen;
    }

    private List<String> explained() {
        explanation(table).forEach(line -> lines.add(style.dim(line)));
        return List.copyOf(lines);
    }

    /** Lists the cells farthest from the neutral value. */
    private void standingOut(int most) {
        List<ResultTable.RankedCell> cells = table.top(most);
        lines.add(style.dim("the " + cells.size() + " of " + Printable.count(table.cells()) + " cells farthest from "
                + Figures.brief(table.neutral().orElse(0))));
        list(cells.stream().map(ResultTable.RankedCell::number).toList());
    }

    private void list(List<Integer> cells) {
        List<String> headings = new ArrayList<>();
        table.axes().forEach(axis -> headings.add(axis.name()));
        boolean spread = table.samples().size() > 1;
        headings.add(spread ? ">mean" : ">value");
        if (spread) {
            headings.add(">error");
            if (isDifference()) {
                headings.add(">effect");
            }
            headings.addAll(List.of(">95% interval", ">p", ">adjusted", ""));
        } else if (table.showsDifferences()) {
            headings.add(">effect");
        }
        TextColumns list = new TextColumns(headings.toArray(String[]::new));
        for (int cell : cells) {
            List<Object> row = new ArrayList<>(table.labels(cell));
            row.add(table.mean(cell));
            if (spread) {
                row.add(Figures.plusMinus(table.standardError(cell)));
                row.addAll(figures(cell));
            } else if (table.showsDifferences()) {
                row.add(table.shown(cell));
            }
            list.row(row.toArray());
        }
        List<String> rows = list.lines();
        lines.add(style.bold(rows.getFirst()));
        lines.addAll(rows.subList(1, rows.size()));
    }

    /** Returns whether effects are differences from a value other than 0, rather than the means themselves. */
    private boolean isDifference() {
        return table.comparedWith().isPresent() || table.neutral().orElse(0) != 0;
    }

    private List<Object> figures(int cell) {
        List<Object> figures = figures(table, cell);
        return isDifference() ? figures : figures.subList(1, figures.size());
    }

    /**
     * A cell's effect, interval, p and adjusted p, and the mark of one that stands out, as {@link TextColumns} take
     * them.
     */
    public static List<Object> figures(ResultTable table, int cell) {
        Optional<Effect> effect = table.statistics().effect(cell);
        List<Object> figures = new ArrayList<>();
        figures.add(effect.<Object>map(Effect::estimate).orElse("-"));
        figures.add(effect.map(Effect::interval)
                .<Object>map(i -> Figures.interval(i.low(), i.high()))
                .orElse("-"));
        figures.add(effect.map(e -> p(e.p())).orElse("-"));
        figures.add(effect.map(e -> p(e.adjustedP())).orElse("-"));
        figures.add(mark(table, cell));
        return figures;
    }

    private static String p(@Nullable Double p) {
        return Figures.p(p == null ? Double.NaN : p);
    }

    private static String mark(ResultTable table, int cell) {
        return table.statistics().standsOut(cell) ? "*" : "";
    }

    /** Lists the cells of a grid that stand out, the largest effects first. */
    private void listMarked() {
        List<Integer> marked = IntStream.range(0, table.cells())
                .filter(table.statistics()::standsOut)
                .boxed()
                .sorted(Comparator.comparingDouble(cell ->
                        -Math.abs(table.statistics().effect(cell).orElseThrow().estimate())))
                .toList();
        if (!marked.isEmpty()) {
            lines.add("");
            if (marked.size() > SHOWN) {
                lines.add(style.dim("the " + SHOWN + " largest effects of the " + Printable.count(marked.size())
                        + " cells that stand out"));
            }
            list(marked.subList(0, Math.min(SHOWN, marked.size())));
        }
    }

    /** The methods behind a table's figures, and their limits. */
    public static List<String> explanation(ResultTable table) {
        TableStatistics statistics = table.statistics();
        if (statistics.prompts() == 1 || (statistics.tested() == 0 && statistics.units() > 1)) {
            return List.of();
        }
        List<String> lines = new ArrayList<>(List.of(units(statistics)));
        if (statistics.units() > 1) {
            lines.add("p: " + statistics.test()
                    + table.comparedWith().map(with -> ", each against " + with).orElse(""));
            lines.add("*: adjusted p (" + Adjustment.BENJAMINI_HOCHBERG + ", "
                    + Printable.plural(statistics.tested(), "cell") + ") at most " + Effect.DISCOVERY_RATE);
            lines.add("interval: " + statistics.interval());
        }
        return lines;
    }

    private static String units(TableStatistics statistics) {
        return units(statistics.unitsKnown(), statistics.prompts(), statistics.units());
    }

    /** The number of units that prompts are of, or that it is not known. */
    public static String units(boolean known, int prompts, int units) {
        if (!known) {
            return "units unknown: each of the " + prompts + " counts as one, so that intervals may be too narrow";
        }
        String counted = Printable.plural(units, "unit") + " in " + prompts;
        return units < VerdictInterval.MIN_UNITS ? counted + ": too few for an interval" : counted;
    }

    /** Says what is subtracted, where something is. */
    private void differences() {
        if (table.showsDifferences()) {
            lines.add(style.dim(table.subtracted()));
        }
    }

    /** Prints the grid, as many columns at a time as fit on a line. */
    private void grid() {
        Rounding rounding = Rounding.of(table.shown(), 3);
        // A label such as "10 S2" takes two lines, so that fifteen positions fit on one.
        List<String[]> columns =
                grid.columns().stream().map(label -> label.split(" ", 2)).toList();
        int headings = columns.stream().mapToInt(words -> words.length).max().orElse(1);
        int first = Math.max(
                ScreenWidth.of(grid.rowName()),
                grid.rows().stream()
                        .map(EscapedText::plain)
                        .mapToInt(ScreenWidth::of)
                        .max()
                        .orElse(0));
        int figures = IntStream.range(0, table.cells())
                .map(cell -> rounding.text(table.shown(cell)).length()
                        + mark(table, cell).length())
                .max()
                .orElse(0);
        int whole = 1 + Math.max(longest(columns, style.columns()), figures);
        // Long words are cut only where columns would not fit on a line otherwise.
        int longest = first + columns.size() * whole <= style.columns() ? style.columns() : MAX_WORD_LENGTH;
        int width = 1 + Math.max(longest(columns, longest), figures);
        int atOnce = Math.max(1, (style.columns() - first) / width);
        ColourScale scale = ColourScale.of(table);
        for (int from = 0; from < columns.size(); from += atOnce) {
            int to = Math.min(columns.size(), from + atOnce);
            for (int l = 0; l < headings; l++) {
                StringBuilder heading = new StringBuilder(left(l == 0 ? grid.rowName() : "", first));
                for (int c = from; c < to; c++) {
                    String[] words = columns.get(c);
                    heading.append(right(l < words.length ? shortened(words[l], longest) : "", width));
                }
                lines.add(style.bold(heading.toString().stripTrailing()));
            }
            for (int r = 0; r < grid.rows().size(); r++) {
                StringBuilder line =
                        new StringBuilder(left(EscapedText.plain(grid.rows().get(r)), first));
                for (int c = from; c < to; c++) {
                    double mean = table.shown(grid.cells()[r][c]);
                    line.append(style.onColour(
                            scale.rgb(mean), right(rounding.text(mean) + mark(table, grid.cells()[r][c]), width)));
                }
                lines.add(style.colours() ? line.toString() : line.toString().stripTrailing());
            }
            if (to < columns.size()) {
                lines.add("");
            }
        }
    }

    private static int longest(List<String[]> columns, int most) {
        return columns.stream()
                .flatMap(Arrays::stream)
                .mapToInt(word -> ScreenWidth.of(shortened(word, most)))
                .max()
                .orElse(0);
    }

    private static String shortened(String label, int most) {
        return ScreenWidth.shortened(EscapedText.plain(label), most);
    }

    private static String left(String text, int width) {
        return text + " ".repeat(Math.max(0, width - ScreenWidth.of(text)));
    }

    private static String right(String text, int width) {
        return " ".repeat(Math.max(0, width - ScreenWidth.of(text))) + text;
    }

    @Override
    public String toString() {
        return String.join("\n", lines);
    }
}
