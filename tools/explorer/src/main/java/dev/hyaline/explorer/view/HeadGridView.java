package dev.hyaline.explorer.view;

import dev.hyaline.analysis.attention.AttentionStatistics;
import dev.hyaline.analysis.attention.HeadClass;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.explorer.DataTable;
import dev.hyaline.explorer.DataView;
import dev.hyaline.explorer.HtmlWriter;
import dev.hyaline.explorer.TableCell;
import dev.hyaline.explorer.TableColumn;
import dev.hyaline.explorer.data.DataObject;
import dev.hyaline.explorer.data.ViewData;
import dev.hyaline.explorer.data.ViewHeading;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/** All heads at a glance: a small picture of each one's pattern on a prompt, its type, and numbers to colour it by. */
public final class HeadGridView implements DataView {
    /** The name of the view. */
    public static final String NAME = "heads";

    /**
     * A number of every head.
     *
     * @param meaning what it is, in one sentence
     * @param signed whether 0 is neutral, rather than the least
     * @param values {@code [layers, heads]}; NaN where there is none
     */
    private record HeadNumber(String name, String meaning, boolean signed, double[] values) {}

    private final ViewHeading heading;
    private final AttentionRecord record;
    private final List<HeadClass> classes;
    private final List<HeadNumber> numbers;

    private HeadGridView(
            ViewHeading heading, AttentionRecord record, List<HeadClass> classes, List<HeadNumber> numbers) {
        this.heading = heading;
        this.record = record;
        this.classes = List.copyOf(classes);
        this.numbers = List.copyOf(numbers);
    }

    /**
     * A view of the heads of a model.
     *
     * @param heading with the tokens of the prompt that the pictures are of
     * @param record of the prompt
     * @param scores of {@link dev.hyaline.analysis.attention.HeadScores}, by type, layer and head
     * @param classes the types found in them
     * @throws BadShapeException if they are of models of different shapes
     */
    public static HeadGridView of(
            ViewHeading heading,
            AttentionRecord record,
            ResultTable scores,
            List<HeadClass> classes,
            AttentionStatistics statistics) {
        int cells = record.layers() * record.heads();
        if (classes.size() != cells) {
            throw new BadShapeException("types of heads", cells + " heads", classes.size() + " heads");
        }
        List<HeadNumber> numbers = new ArrayList<>();
        List<String> types = scores.axes().getFirst().labels();
        double[] means = scores.means();
        for (int type = 0; type < types.size(); type++) {
            numbers.add(new HeadNumber(
                    types.get(type),
                    "Share of the head's attention on the keys that a " + types.get(type) + " head looks at.",
                    false,
                    Arrays.copyOfRange(means, type * cells, (type + 1) * cells)));
        }
        HeadGridView view = new HeadGridView(heading, record, classes, numbers);
        return view.with(
                        "entropy",
                        "Entropy of the head's attention, a mean over queries (nats).",
                        statistics.entropy().means(),
                        false)
                .with(
                        "entropy share",
                        "Entropy as a share of that of a head that looks at all keys alike.",
                        statistics.entropyShare().means(),
                        false)
                .with(
                        "largest weight",
                        "The largest weight of a query, a mean over queries.",
                        statistics.largestWeight().means(),
                        false)
                .with(
                        "half distance",
                        "The distance in tokens within which half of the attention lies.",
                        statistics.halfDistance().means(),
                        false);
    }

    /**
     * The same view with one more number of every head to colour by.
     *
     * @param table by layer and head
     * @param signed whether 0 is neutral, rather than the least
     * @throws BadShapeException if it has other axes
     */
    public HeadGridView with(String name, ResultTable table, boolean signed) {
        return with(
                name,
                table.quantity() + (table.unit().isEmpty() ? "." : " (" + table.unit() + ")."),
                table.means(),
                signed);
    }

    /**
     * The same view with one more number of every head to colour by.
     *
     * @param meaning what it is, in one sentence
     * @param values {@code [layers, heads]}; NaN where there is none
     * @param signed whether 0 is neutral, rather than the least
     * @throws BadShapeException if there are more or fewer values
     */
    public HeadGridView with(String name, String meaning, double[] values, boolean signed) {
        int cells = record.layers() * record.heads();
        if (values.length != cells) {
            throw new BadShapeException(
                    "the number '" + name + "' of heads", cells + " heads", values.length + " heads");
        }
        List<HeadNumber> more = new ArrayList<>(numbers);
        more.add(new HeadNumber(name, meaning, signed, values.clone()));
        return new HeadGridView(heading, record, classes, more);
    }

    @Override
    public ViewData data() {
        DataObject data = record.thumbnails()
                .withTexts(
                        "types",
                        classes.stream()
                                .map(head -> Objects.requireNonNullElse(head.type(), ""))
                                .toList())
                .with("scores", classes.stream().mapToDouble(HeadClass::score).toArray(), classes.size())
                .withObjects(
                        "numbers",
                        numbers.stream()
                                .map(number -> DataObject.empty()
                                        .with("name", number.name)
                                        .with("meaning", number.meaning)
                                        .with("signed", number.signed)
                                        .with("values", number.values, record.layers(), record.heads()))
                                .toList());
        return new ViewData(NAME, heading, data);
    }

    @Override
    public void write(HtmlWriter html) {
        List<TableColumn> columns =
                new ArrayList<>(List.of(TableColumn.text("head", "head"), TableColumn.text("type", "type")));
        numbers.forEach(number -> columns.add(TableColumn.number(number.name, number.name.replace(' ', '_'))));
        DataTable table = DataTable.of("Heads", columns.toArray(TableColumn[]::new));
        for (int cell = 0; cell < classes.size(); cell++) {
            HeadClass head = classes.get(cell);
            List<TableCell> row = new ArrayList<>(List.of(
                    TableCell.of(head.layer() + "." + head.head()),
                    TableCell.of(Objects.requireNonNullElse(head.type(), "-"))));
            for (HeadNumber number : numbers) {
                row.add(TableCell.of(number.values[cell]));
            }
            table = table.row(row.toArray(TableCell[]::new));
        }
        table.write(html);
    }

    @Override
    public String toString() {
        return "heads, " + record;
    }
}
