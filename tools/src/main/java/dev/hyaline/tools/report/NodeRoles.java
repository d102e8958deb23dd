package dev.hyaline.tools.report;

import dev.hyaline.analysis.circuit.Circuit;
import dev.hyaline.analysis.graph.Node;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The nodes of a circuit by what they do: the input, heads by what they look at, MLPs, the logits.
 *
 * @param kinds what heads look at, by node; heads that look at nothing known are not there
 */
public record NodeRoles(Circuit circuit, Map<Node, String> kinds) {
    /** The role of a node. */
    String of(Node node) {
        return switch (node) {
            case Node.InputNode input -> "input";
            case Node.Head head -> kinds.containsKey(head) ? kinds.get(head) + " heads" : "other heads";
            case Node.Mlp mlp -> "MLPs";
            case Node.LogitsNode logits -> "logits";
        };
    }

    /** The circuit's nodes by role; the input first, then kinds of heads, other heads, MLPs and the logits. */
    Map<String, List<Node>> groups() {
        Map<String, List<Node>> groups = new LinkedHashMap<>();
        groups.put("input", new ArrayList<>());
        kinds.values().stream().sorted().forEach(kind -> groups.put(kind + " heads", new ArrayList<>()));
        for (String last : List.of("other heads", "MLPs", "logits")) {
            groups.put(last, new ArrayList<>());
        }
        circuit.nodes()
                .forEach(node -> groups.computeIfAbsent(of(node), role -> new ArrayList<>())
                        .add(node));
        groups.values().removeIf(List::isEmpty);
        return groups;
    }
}
