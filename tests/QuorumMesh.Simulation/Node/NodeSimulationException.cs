namespace QuorumMesh.Simulation.Node;

public sealed class NodeSimulationException(string message) : Exception(message);
