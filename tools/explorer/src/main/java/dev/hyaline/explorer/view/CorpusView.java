package dev.hyaline.explorer.view;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.explorer.DataTable;
import dev.hyaline.explorer.DataView;
import dev.hyaline.explorer.HtmlWriter;
import dev.hyaline.explorer.Prose;
import dev.hyaline.explorer.TableCell;
import dev.hyaline.explorer.TableColumn;
import dev.hyaline.explorer.TokenText;
import dev.hyaline.explorer.data.DataObject;
import dev.hyaline.explorer.data.ViewData;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.data.ViewToken;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.dump.ActivationStore;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.function.IntFunction;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Activations of a dump: its documents with their tokens, the values of any component of a site on all of them, and
 * examples from the whole range of these values. A page holds whole sites up to a size; what it leaves out it says.
 */
public final class CorpusView implements DataView {
    /** The name of the view. */
    public static final String NAME = "corpus";

    /** Bytes of values that a page holds at most. */
    public static final int MAX_BYTES = 16 << 20;

    /** Rows, one for each token, that a page holds at most. */
    public static final int MAX_ROWS = 8192;

    private static final int WRITTEN_DOCUMENTS = 50;

    /**
     * A document.
     *
     * @param name in words
     * @param firstRow of its rows, which end where those of the next begin
     */
    record ShownDocument(String name, int firstRow) {}

    /** A site's values, {@code [rows, width]}. */
    record ShownSite(String name, List<Integer> shape, float[] values) {}

    private final ViewHeading heading;
    private final List<ShownDocument> documents;
    private final int[] tokens;
    private final int[] positions;
    private final List<ShownSite> sites;
    private final String omitted;
    private final IntFunction<ViewToken> vocabulary;
    private final long firstRow;
    private final long allRows;
    private final List<String> others;

    CorpusView(
            ViewHeading heading,
            List<ShownDocument> documents,
            int[] tokens,
            int[] positions,
            List<ShownSite> sites,
            String omitted,
            IntFunction<ViewToken> vocabulary) {
        this(heading, documents, tokens, positions, sites, omitted, vocabulary, 0, tokens.length, List.of());
    }

    private CorpusView(
            ViewHeading heading,
            List<ShownDocument> documents,
            int[] tokens,
            int[] positions,
            List<ShownSite> sites,
            String omitted,
            IntFunction<ViewToken> vocabulary,
            long firstRow,
            long allRows,
            List<String> others) {
        this.firstRow = firstRow;
        this.allRows = allRows;
        this.others = List.copyOf(others);
        this.heading = heading;
        this.documents = List.copyOf(documents);
        this.tokens = tokens;
        this.positions = positions;
        this.sites = List.copyOf(sites);
        this.omitted = omitted;
        this.vocabulary = vocabulary;
        if (sites.isEmpty()) {
            throw new BadInputException("a page of a dump has at most " + (MAX_BYTES >> 20)
                    + " MB of values by row, and no site of the dump fits; attention maps have no rows");
        }
    }

    /**
     * A view of the first rows of a dump in shards, with as many of its sites as a page holds.
     *
     * @param vocabulary the tokens by id
     */
    public static CorpusView of(ViewHeading heading, ActivationStore store, IntFunction<ViewToken> vocabulary) {
        return of(heading, store, vocabulary, 0);
    }

    /**
     * A view of the rows of a dump in shards from one row on, with as many of its sites as a page holds.
     *
     * @param vocabulary the tokens by id
     * @throws BadInputException if there is no such row
     */
    public static CorpusView of(
            ViewHeading heading, ActivationStore store, IntFunction<ViewToken> vocabulary, long firstRow) {
        return of(heading, store, vocabulary, firstRow, MAX_ROWS, site -> true);
    }

    /**
     * A view of one site of a dump in shards from one row on, of as many rows as a page holds.
     *
     * @param vocabulary the tokens by id
     * @param site a hook point, or a derived site
     * @throws BadInputException if there is no such row or site
     */
    public static CorpusView of(
            ViewHeading heading, ActivationStore store, IntFunction<ViewToken> vocabulary, long firstRow, String site) {
        int width = widths(store).entrySet().stream()
                .filter(entry -> entry.getKey().name.equals(site))
                .mapToInt(Map.Entry::getValue)
                .findFirst()
                .orElseThrow(() -> new BadInputException("the dump has no site " + site + "; it has "
                        + String.join(
                                ", ",
                                widths(store).keySet().stream()
                                        .map(StoredSite::name)
                                        .toList())));
        int rows = Math.max(1, (int) Math.min(MAX_ROWS, MAX_BYTES / ((long) width * Float.BYTES)));
        return of(heading, store, vocabulary, firstRow, rows, site::equals);
    }

    /**
     * A site of a dump.
     *
     * @param point null for a derived site
     */
    private record StoredSite(String name, @Nullable HookPoint point) {}

    /** The sites of a dump, and how many values a row has of each. */
    private static SequencedMap<StoredSite, Integer> widths(ActivationStore store) {
        SequencedMap<StoredSite, Integer> widths = new LinkedHashMap<>();
        store.points().forEach(point -> widths.put(new StoredSite(point.name(), point), store.width(point)));
        store.derivedSites().forEach(site -> widths.put(new StoredSite(site, null), store.width(site)));
        return widths;
    }

    private static CorpusView of(
            ViewHeading heading,
            ActivationStore store,
            IntFunction<ViewToken> vocabulary,
            long firstRow,
            int maxRows,
            Predicate<String> wanted) {
        if (firstRow < 0 || firstRow >= Math.max(1, store.rows())) {
            throw new BadInputException("the dump has " + store.rows() + " rows, found the first row " + firstRow);
        }
        int rows = (int) Math.min(store.rows() - firstRow, maxRows);
        List<ShownDocument> documents = new ArrayList<>();
        int[] tokens = new int[rows];
        int[] positions = new int[rows];
        long last = -1;
        for (int row = 0; row < rows; row++) {
            tokens[row] = store.token(firstRow + row);
            positions[row] = store.position(firstRow + row);
            if (store.document(firstRow + row) != last) {
                last = store.document(firstRow + row);
                documents.add(new ShownDocument("document " + last, row));
            }
        }
        List<ShownSite> sites = new ArrayList<>();
        List<String> left = new ArrayList<>();
        long bytes = 0;
        for (Map.Entry<StoredSite, Integer> entry : widths(store).entrySet()) {
            StoredSite site = entry.getKey();
            int width = entry.getValue();
            long size = (long) rows * width * Float.BYTES;
            if (!wanted.test(site.name) || bytes + size > MAX_BYTES) {
                left.add(site.name);
                continue;
            }
            bytes += size;
            float[] values = new float[rows * width];
            HookPoint point = site.point;
            if (point == null) {
                store.read(site.name, firstRow, rows, values, 0);
            } else {
                store.read(point, firstRow, rows, values, 0);
            }
            List<Integer> shape = point == null
                    ? List.of(width)
                    : store.rowShape(point).stream().map(Math::toIntExact).toList();
            sites.add(new ShownSite(site.name, shape, values));
        }
        String shown = rows == store.rows()
                ? ""
                : firstRow == 0
                        ? "The first " + rows + " of " + store.rows() + " rows. "
                        : "Rows " + firstRow + " to " + (firstRow + rows - 1) + " of " + store.rows() + ". ";
        return new CorpusView(heading, documents, tokens, positions, sites, shown + omitted(left), vocabulary)
                .within(firstRow, store.rows(), left);
    }

    /** The same view as a part of a dump, whose other sites and rows a server has. */
    private CorpusView within(long firstRow, long rows, List<String> others) {
        return new CorpusView(
                heading, documents, tokens, positions, sites, omitted, vocabulary, firstRow, rows, others);
    }

    /** The sites that a page does not hold, in words; empty if it holds all. */
    static String omitted(List<String> sites) {
        return sites.isEmpty()
                ? ""
                : "A page holds " + (MAX_BYTES >> 20) + " MB of values; left out: " + String.join(", ", sites) + ".";
    }

    @Override
    public ViewData data() {
        Map<Integer, ViewToken> used = new TreeMap<>();
        Arrays.stream(tokens).forEach(token -> used.computeIfAbsent(token, vocabulary::apply));
        return new ViewData(
                NAME,
                heading,
                DataObject.empty()
                        .withTexts(
                                "documents",
                                documents.stream().map(ShownDocument::name).toList())
                        .with(
                                "firstRows",
                                documents.stream()
                                        .mapToInt(ShownDocument::firstRow)
                                        .toArray(),
                                documents.size())
                        .with("tokens", tokens, tokens.length)
                        .with("positions", positions, positions.length)
                        .withTokens("vocabulary", List.copyOf(used.values()))
                        .with("omitted", omitted)
                        .with("firstRow", firstRow)
                        .with("allRows", allRows)
                        .withTexts("others", others)
                        .withObjects("sites", sites.stream().map(this::site).toList()));
    }

    private DataObject site(ShownSite site) {
        int rows = tokens.length;
        return DataObject.empty()
                .with("name", site.name)
                .with("rowShape", site.shape.stream().mapToInt(size -> size).toArray(), site.shape.size())
                .with("values", site.values, rows, rows == 0 ? 0 : site.values.length / rows);
    }

    @Override
    public void write(HtmlWriter html) {
        if (!omitted.isEmpty()) {
            Prose.of(omitted).write(html);
        }
        DataTable table = DataTable.of(
                "Documents",
                TableColumn.text("document", "document"),
                TableColumn.number("rows", "rows"),
                TableColumn.text("tokens", "tokens"));
        for (int d = 0; d < Math.min(documents.size(), WRITTEN_DOCUMENTS); d++) {
            int from = documents.get(d).firstRow;
            int end = d + 1 < documents.size() ? documents.get(d + 1).firstRow : tokens.length;
            StringBuilder text = new StringBuilder();
            for (int row = from; row < end; row++) {
                ViewToken token = vocabulary.apply(tokens[row]);
                text.append(token.text().isEmpty() ? " #" + token.id() : TokenText.shown(token.text()));
            }
            table = table.row(
                    TableCell.of(documents.get(d).name), TableCell.of(end - from), TableCell.of(text.toString()));
        }
        table.write(html);
    }

    @Override
    public String toString() {
        return "corpus of " + Printable.plural(documents.size(), "document");
    }
}
