import { Component, type ReactNode } from "react";

/** A fault in one part of the page is told there and leaves the rest standing. */
export class ErrorBoundary extends Component<{ children: ReactNode; what: string }, { message: string }> {
  override state = { message: "" };

  static getDerivedStateFromError(error: unknown): { message: string } {
    return { message: error instanceof Error ? error.message : String(error) };
  }

  override render(): ReactNode {
    if (this.state.message === "") return this.props.children;
    return (
      <div className="note is-error" role="alert">
        {this.props.what} cannot be drawn: {this.state.message}{" "}
        <button type="button" className="button" onClick={() => this.setState({ message: "" })}>
          Try again
        </button>
      </div>
    );
  }
}
