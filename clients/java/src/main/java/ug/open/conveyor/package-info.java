/** The client of Conveyor, and a runtime for drivers. Begin with {@link ug.open.conveyor.Driver}. */
package ug.open.conveyor;
