package dev.hyaline.tools.report;

import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.analysis.table.Figures;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.analysis.table.TableScreen;
import dev.hyaline.tools.option.TopOption;
import dev.hyaline.tools.terminal.Console;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A table of results on the screen, as {@link TableScreen} lays it out. */
public final class TableView {
    private TableView() {}

    private record ConsoleStyle(Console console) implements TableScreen.Style {
        @Override
        public String bold(String text) {
            return console.bold(text);
        }

        @Override
        public String dim(String text) {
            return console.dim(text);
        }

        @Override
        public String onColour(int rgb, String text) {
            return console.onColour(rgb, text);
        }

        @Override
        public boolean colours() {
            return console.colours();
        }

        @Override
        public int columns() {
            return Console.LINE;
        }
    }

    /** Prints a table, or as much of it as is asked for. */
    public static void print(Console console, ResultTable table, TopOption top) {
        ConsoleStyle style = new ConsoleStyle(console);
        @Nullable Integer most = top.count();
        (most == null ? TableScreen.lines(table, style) : TableScreen.top(table, style, most))
                .forEach(console.out()::println);
    }

    /** A cell's figures, as {@link TableScreen#figures} gives them. */
    public static List<Object> figures(ResultTable table, int cell) {
        return TableScreen.figures(table, cell);
    }

    /** Prints the methods behind a table's figures, and their limits. */
    public static void explain(Console console, ResultTable table) {
        TableScreen.explanation(table).forEach(line -> console.out().println(console.dim(line)));
    }

    /** The number of units that pairs are of, or that it is not known. */
    public static String units(PromptPairs pairs) {
        return TableScreen.units(
                pairs.units().isPresent(),
                pairs.size(),
                pairs.units().map(Units::count).orElse(pairs.size()));
    }

    /** A value as {@link Figures#brief} writes it. */
    public static String figure(double value) {
        return Figures.brief(value);
    }
}
