package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.graph.Receiver;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.FileInput;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import dev.hyaline.files.Printable;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Lists of edges, one a line, as circuits: with the names used here ({@code m0->a1.h3<v>}), with auto-circuit's
 * ({@code MLP 0->A1.3.V}, {@code Resid Start}, {@code Resid End}), or with ACDC's, the receiver first
 * ({@code blocks.1.hook_v_input[:, :, 3] <- blocks.0.hook_mlp_out[:]}, or the tuples of Python that its edges print
 * as). ACDC's own edges from a head's input to its queries and from those to its output say nothing and are passed
 * over. Empty lines and those that begin with {@code #} are no edges.
 */
public final class EdgeList {
    private static final int MAX_BYTES = 1 << 28;

    private static final Pattern AUTO_NODE = Pattern.compile(
            "Resid Start|Resid End|MLP (0|[1-9]\\d{0,5})|A(0|[1-9]\\d{0,5})\\.(0|[1-9]\\d{0,5})(?:\\.([QKV]))?");
    private static final Pattern ACDC_NODE = Pattern.compile("(?:blocks\\.(0|[1-9]\\d{0,5})\\.)?"
            + "(attn\\.hook_result|attn\\.hook_[qkv]|hook_[qkv]_input|hook_mlp_out|hook_mlp_in|hook_resid_pre"
            + "|hook_resid_post|hook_embed|hook_pos_embed)"
            + "(?:['\"]?,?\\s{0,8}+[\\[(](?:(?::|None)(?:,\\s*+)?+){0,8}+(0|[1-9]\\d{0,5})?,?\\s*+[\\])])?");

    private EdgeList() {}

    /**
     * Reads a file: a list of edges, EAP-IG's JSON or matrices, or the {@code circuit.json} that the command writes.
     *
     * @throws dev.hyaline.engine.error.FileException if it cannot be read
     * @throws BadInputException naming the file and the line or edge, if it is neither, or the model has no such edge
     */
    public static Circuit read(Path file, Gpt2Config config) {
        try (FileInput input = FileInput.open(file, InputErrors.INSTANCE)) {
            byte[] content = input.readAll(MAX_BYTES);
            if (GraphTensors.isOne(content)) {
                return GraphTensors.read(file, config).circuit();
            }
            int first = 0;
            while (first < content.length && Character.isWhitespace(content[first])) {
                first++;
            }
            return first < content.length && content[first] == '{'
                    ? ofJson(input.label(), content, config)
                    : parse(input.label(), new String(content, StandardCharsets.UTF_8), config);
        }
    }

    private static Circuit ofJson(String source, byte[] content, Gpt2Config config) {
        Json root = Json.readObject(InputErrors.INSTANCE, source, content);
        if (GraphFile.isOne(root)) {
            return GraphFile.of(root, config).circuit();
        }
        Json edges = root.get("edges")
                .orElseThrow(() -> new BadInputException(source
                        + ": expected a graph with \"cfg\", \"nodes\" and \"edges\", or a circuit with a list of"
                        + " \"edges\", found neither"));
        List<Edge> list = new ArrayList<>();
        for (Json edge : edges.elements()) {
            String name = edge.isObject() ? edge.require("edge").string() : edge.string();
            list.add(named(source + ": edge " + list.size(), () -> Edge.parse(config, name)));
        }
        return circuit(source, config, list);
    }

    /**
     * Reads a text.
     *
     * @param source its name in errors
     */
    public static Circuit parse(String source, String text, Gpt2Config config) {
        List<Edge> list = new ArrayList<>();
        int number = 0;
        for (String line : text.lines().toList()) {
            number++;
            String stripped = line.strip();
            if (!stripped.isEmpty() && !stripped.startsWith("#")) {
                named(source + ":" + number, () -> edge(stripped, config)).ifPresent(list::add);
            }
        }
        if (list.isEmpty()) {
            throw new BadInputException(source + ": expected edges, one a line, found none");
        }
        return circuit(source, config, list);
    }

    private static Circuit circuit(String source, Gpt2Config config, List<Edge> list) {
        Set<Edge> seen = new LinkedHashSet<>();
        for (Edge edge : list) {
            if (!seen.add(edge)) {
                throw new BadInputException(source + ": the edge " + edge + " is there twice");
            }
        }
        return named(source, () -> Circuit.of(config, seen));
    }

    private interface Parsed<T> {
        T parse();
    }

    private static <T> T named(String where, Parsed<T> parsed) {
        try {
            return parsed.parse();
        } catch (BadInputException e) {
            throw new BadInputException(where + ": " + e.getMessage());
        }
    }

    /** The edge of a line; empty for one of ACDC's that says nothing. */
    private static Optional<Edge> edge(String line, Gpt2Config config) {
        if (line.contains("hook_")) {
            return acdc(line, config);
        }
        int arrow = line.indexOf("->");
        if (arrow > 0) {
            Matcher from = AUTO_NODE.matcher(line.substring(0, arrow).strip());
            Matcher to = AUTO_NODE.matcher(line.substring(arrow + 2).strip());
            if (from.matches() && to.matches()) {
                return Optional.of(new Edge(sender(from, config), receiver(to, config)));
            }
        }
        return Optional.of(Edge.parse(config, line));
    }

    private static Node sender(Matcher name, Gpt2Config config) {
        if (name.group().equals("Resid Start")) {
            return Node.input();
        }
        if (name.group(1) != null) {
            return Node.parse(config, "m" + name.group(1));
        }
        if (name.group(2) == null || name.group(4) != null) {
            throw new BadInputException(Printable.quoted(name.group()) + " writes to no other node");
        }
        return Node.parse(config, "a" + name.group(2) + ".h" + name.group(3));
    }

    private static Receiver receiver(Matcher name, Gpt2Config config) {
        if (name.group().equals("Resid End")) {
            return Receiver.of(Node.logits());
        }
        if (name.group(1) != null) {
            return Receiver.parse(config, "m" + name.group(1));
        }
        if (name.group(4) == null) {
            throw new BadInputException(Printable.quoted(name.group()) + " does not say whether queries, keys or values"
                    + " read; expected such as A1.3.Q");
        }
        return Receiver.parse(
                config,
                "a" + name.group(2) + ".h" + name.group(3) + "<" + name.group(4).toLowerCase(Locale.ROOT) + ">");
    }

    private static Optional<Edge> acdc(String line, Gpt2Config config) {
        Matcher matcher = ACDC_NODE.matcher(line);
        List<String[]> found = new ArrayList<>();
        while (matcher.find()) {
            found.add(new String[] {matcher.group(1), matcher.group(2), matcher.group(3)});
        }
        if (found.size() != 2) {
            throw new BadInputException("expected an edge between two of ACDC's nodes, such as"
                    + " blocks.1.hook_q_input[:, :, 3] <- blocks.0.attn.hook_result[:, :, 5], found "
                    + Printable.quoted(line));
        }
        boolean receiverFirst = !line.contains("->");
        String[] child = found.get(receiverFirst ? 0 : 1);
        String[] parent = found.get(receiverFirst ? 1 : 0);
        if (child[1].startsWith("attn.") || child[1].equals("hook_mlp_out")) {
            return Optional.empty();
        }
        return Optional.of(new Edge(acdcSender(parent, config), acdcReceiver(child, config)));
    }

    private static Node acdcSender(String[] node, Gpt2Config config) {
        return switch (node[1]) {
            case "hook_embed", "hook_pos_embed" -> Node.input();
            case "hook_resid_pre" -> {
                if (!"0".equals(node[0])) {
                    throw new BadInputException("the residual stream of layer " + node[0] + " is no node");
                }
                yield Node.input();
            }
            case "hook_mlp_out" -> Node.parse(config, "m" + node[0]);
            case "attn.hook_result" -> Node.parse(config, "a" + node[0] + ".h" + head(node));
            default -> throw new BadInputException(node[1] + " writes to no other node");
        };
    }

    private static Receiver acdcReceiver(String[] node, Gpt2Config config) {
        return switch (node[1]) {
            case "hook_mlp_in" -> Receiver.parse(config, "m" + node[0]);
            case "hook_resid_post" -> {
                if (!String.valueOf(config.nLayers() - 1).equals(node[0])) {
                    throw new BadInputException("the residual stream of layer " + node[0] + " is no node");
                }
                yield Receiver.of(Node.logits());
            }
            case "hook_q_input", "hook_k_input", "hook_v_input" ->
                Receiver.parse(config, "a" + node[0] + ".h" + head(node) + "<" + node[1].charAt(5) + ">");
            default -> throw new BadInputException(node[1] + " reads from no other node");
        };
    }

    private static String head(String[] node) {
        if (node[2] == null) {
            throw new BadInputException(
                    "expected a head after blocks." + node[0] + "." + node[1] + ", such as [:, :, 3], found none");
        }
        return node[2];
    }
}
