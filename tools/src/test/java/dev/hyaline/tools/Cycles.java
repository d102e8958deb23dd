package dev.hyaline.tools;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * The groups of top-level classes that all reach each other: strongly connected components, found as Tarjan does
 * ("Depth-first search and linear graph algorithms", 1972).
 */
final class Cycles {
    private final Map<String, Set<String>> uses = new HashMap<>();
    private final Map<String, Integer> entered = new HashMap<>();
    private final Map<String, Integer> lowest = new HashMap<>();
    private final Deque<String> open = new ArrayDeque<>();
    private final List<Set<String>> found = new ArrayList<>();

    private Cycles() {}

    /** Those of two classes or more. */
    static List<Set<String>> of(JavaClasses classes) {
        Cycles cycles = new Cycles();
        for (JavaClass type : classes) {
            Set<String> used = cycles.uses.computeIfAbsent(topLevel(type), name -> new TreeSet<>());
            type.getDirectDependenciesFromSelf().forEach(dependency -> used.add(topLevel(dependency.getTargetClass())));
        }
        List.copyOf(cycles.uses.keySet()).forEach(cycles::visit);
        return cycles.found.stream().filter(cycle -> cycle.size() > 1).toList();
    }

    private void visit(String name) {
        if (entered.containsKey(name)) {
            return;
        }
        entered.put(name, entered.size());
        lowest.put(name, entered.get(name));
        open.push(name);
        for (String used : uses.get(name)) {
            if (uses.containsKey(used)) {
                visit(used);
                if (open.contains(used)) {
                    lowest.merge(name, lowest.get(used), Math::min);
                }
            }
        }
        if (lowest.get(name).equals(entered.get(name))) {
            Set<String> cycle = new TreeSet<>();
            do {
                cycle.add(open.pop());
            } while (!cycle.contains(name));
            found.add(cycle);
        }
    }

    private static String topLevel(JavaClass type) {
        String name = type.getBaseComponentType().getName();
        int nested = name.indexOf('$');
        return nested < 0 ? name : name.substring(0, nested);
    }
}
