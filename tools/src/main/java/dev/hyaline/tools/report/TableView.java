package dev.hyaline.tools.report;

import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.statistics.Adjustment;
import dev.hyaline.analysis.statistics.Effect;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.analysis.statistics.VerdictInterval;
import dev.hyaline.analysis.table.ColourScale;
import dev.hyaline.analysis.table.Grid;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.analysis.table.Rounding;
import dev.hyaline.analysis.table.TableStatistics;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.DisplayText;
import dev.hyaline.tools.terminal.EscapedText;
import dev.hyaline.tools.terminal.ScreenWidth;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A table of results on the screen: means in rows and columns, in colour if the terminal has colours. A table too long
 * for that is shown as a list of the cells that stand out.
 */
public final class TableView {
    private static final int MAX_ROWS = 160;
    private static final int MAX_WORD_LENGTH = 5;
    private static final int SHOWN = 20;

    private final Console console;
    private final ResultTable table;
    private final Grid grid;

    private TableView(Console console, ResultTable table) {
        this.console = console;
        this.table = table;
        this.grid = Grid.of(table);
    }

    public static void print(Console console, ResultTable table) {
        int samples = table.samples().size();
        console.out()
                .println(console.bold(table.title()) + "  "
                        + console.dim(table.quantity()
                                + (table.unit().isEmpty() ? "" : " (" + table.unit() + ")")
                                + (samples == 1 ? "" : ", mean over " + samples + " " + table.sampleKind())));
        TableView view = new TableView(console, table);
        if (table.axes().size() == 1 && table.cells() <= MAX_ROWS) {
            view.list(IntStream.range(0, table.cells()).boxed().toList());
        } else if (view.grid.rows().size() <= MAX_ROWS) {
            view.grid();
            view.listMarked();
        } else {
            view.standingOut();
        }
        explain(console, table);
    }

    /** Lists the cells farthest from the neutral value. */
    private void standingOut() {
        double neutral = table.neutral().orElse(0);
        List<Integer> cells = IntStream.range(0, table.cells())
                .filter(cell -> Double.isFinite(table.mean(cell)))
                .boxed()
                .sorted(Comparator.comparingDouble(cell -> -Math.abs(table.mean(cell) - neutral)))
                .limit(SHOWN)
                .toList();
        console.out()
                .println(console.dim("the " + cells.size() + " of " + DisplayText.count(table.cells())
                        + " cells farthest from " + figure(neutral)));
        list(cells);
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
        }
        Table list = new Table(headings.toArray(String[]::new));
        for (int cell : cells) {
            List<Object> row = new ArrayList<>(table.labels(cell));
            row.add(table.mean(cell));
            if (spread) {
                row.add(Figures.plusMinus(table.standardError(cell)));
                row.addAll(figures(cell));
            }
            list.row(row.toArray());
        }
        list.print(console);
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
     * A cell's effect, interval, p and adjusted p, and the mark of one that stands out, as a {@link Table} takes them.
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
            console.out().println();
            if (marked.size() > SHOWN) {
                console.out()
                        .println(console.dim("the " + SHOWN + " largest effects of the "
                                + DisplayText.count(marked.size()) + " cells that stand out"));
            }
            list(marked.subList(0, Math.min(SHOWN, marked.size())));
        }
    }

    /** Prints the methods behind a table's figures, and their limits. */
    public static void explain(Console console, ResultTable table) {
        TableStatistics statistics = table.statistics();
        if (statistics.prompts() == 1 || (statistics.tested() == 0 && statistics.units() > 1)) {
            return;
        }
        List<String> lines = new ArrayList<>(List.of(units(statistics)));
        if (statistics.units() > 1) {
            lines.add("p: " + statistics.test()
                    + table.comparedWith().map(with -> ", each against " + with).orElse(""));
            lines.add("*: adjusted p (" + Adjustment.BENJAMINI_HOCHBERG + ", "
                    + DisplayText.plural(statistics.tested(), "cell") + ") at most " + Effect.DISCOVERY_RATE);
            lines.add("interval: " + statistics.interval());
        }
        lines.forEach(line -> console.out().println(console.dim(line)));
    }

    private static String units(TableStatistics statistics) {
        return units(statistics.unitsKnown(), statistics.prompts(), statistics.units());
    }

    /** The number of units that pairs are of, or that it is not known. */
    public static String units(PromptPairs pairs) {
        return units(
                pairs.units().isPresent(),
                pairs.size(),
                pairs.units().map(Units::count).orElse(pairs.size()));
    }

    private static String units(boolean known, int prompts, int units) {
        if (!known) {
            return "units unknown: each of the " + prompts + " counts as one, so that intervals may be too narrow";
        }
        String counted = DisplayText.plural(units, "unit") + " in " + prompts;
        return units < VerdictInterval.MIN_UNITS ? counted + ": too few for an interval" : counted;
    }

    /** Prints the grid, as many columns at a time as fit on a line. */
    private void grid() {
        Rounding rounding = Rounding.of(table.means(), 3);
        // A label such as "10 S2" takes two lines, so that fifteen positions fit on one.
        List<String[]> columns =
                grid.columns().stream().map(label -> label.split(" ", 2)).toList();
        int lines = columns.stream().mapToInt(words -> words.length).max().orElse(1);
        int first = Math.max(
                ScreenWidth.of(grid.rowName()),
                grid.rows().stream()
                        .map(EscapedText::plain)
                        .mapToInt(ScreenWidth::of)
                        .max()
                        .orElse(0));
        int figures = IntStream.range(0, table.cells())
                .map(cell -> rounding.text(table.mean(cell)).length()
                        + mark(table, cell).length())
                .max()
                .orElse(0);
        int whole = 1 + Math.max(longest(columns, Console.LINE), figures);
        // Long words are cut only where columns would not fit on a line otherwise.
        int longest = first + columns.size() * whole <= Console.LINE ? Console.LINE : MAX_WORD_LENGTH;
        int width = 1 + Math.max(longest(columns, longest), figures);
        int atOnce = Math.max(1, (Console.LINE - first) / width);
        ColourScale scale = ColourScale.of(table);
        for (int from = 0; from < columns.size(); from += atOnce) {
            int to = Math.min(columns.size(), from + atOnce);
            for (int l = 0; l < lines; l++) {
                StringBuilder heading = new StringBuilder(left(l == 0 ? grid.rowName() : "", first));
                for (int c = from; c < to; c++) {
                    String[] words = columns.get(c);
                    heading.append(right(l < words.length ? shortened(words[l], longest) : "", width));
                }
                console.out().println(console.bold(heading.toString().stripTrailing()));
            }
            for (int r = 0; r < grid.rows().size(); r++) {
                StringBuilder line =
                        new StringBuilder(left(EscapedText.plain(grid.rows().get(r)), first));
                for (int c = from; c < to; c++) {
                    double mean = table.mean(grid.cells()[r][c]);
                    line.append(console.onColour(
                            scale.rgb(mean), right(rounding.text(mean) + mark(table, grid.cells()[r][c]), width)));
                }
                console.out().println(console.colours() ? line : line.toString().stripTrailing());
            }
            if (to < columns.size()) {
                console.out().println();
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

    /** Formats a value with about three digits, which is enough to compare and short enough for a row. */
    public static String figure(double value) {
        if (!Double.isFinite(value)) {
            return "-";
        }
        double size = Math.abs(value);
        String text = size != 0 && (size < 5e-4 || size >= 1e5)
                ? String.format(Locale.ROOT, "%.1e", value)
                : String.format(
                        Locale.ROOT, size < 1 ? "%.3f" : size < 9.995 ? "%.2f" : size < 999.5 ? "%.1f" : "%.0f", value);
        return text.equals("-0.000") ? "0.000" : text;
    }
}
