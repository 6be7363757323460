namespace QuorumMesh.Listeners;

/// <summary>A message did not fit into its listener's budget. The text is for the caller.</summary>
public sealed class BudgetExceededException(ByteBudget budget)
    : Exception($"this listener already holds {budget.Held >> 20} of {budget.Limit >> 20} MiB for requests and answers under way: try "
        + "again later, or ask for less at once");
