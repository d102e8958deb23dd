/** Two samples: their means, ranks, distributions, and how well one value tells them apart. */
package dev.hyaline.analysis.statistics.compare;
