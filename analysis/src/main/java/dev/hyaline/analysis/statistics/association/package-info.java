/** How two variables, two sets of components or two findings go together, and what each member of a set adds. */
package dev.hyaline.analysis.statistics.association;
